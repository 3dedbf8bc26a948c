// How the JNI library is found: by java.library.path, or else in the jar.

package io.redilock;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

final class Library {
  private static final String NAME = "redilock_java";

  private Library() {}

  /** Loads the library that is installed, or else the one of the jar. */
  @SuppressWarnings("restricted") // of later Javas
  static void load() {
    try {
      System.loadLibrary(NAME);
    } catch (UnsatisfiedLinkError missing) {
      if (!loadFromJar()) {
        throw missing;
      }
    }
  }

  /** Unpacks the library to a file that is removed once it is loaded; false if the jar has none. */
  @SuppressWarnings("restricted")
  private static boolean loadFromJar() {
    try (InputStream packed = Library.class.getResourceAsStream(System.mapLibraryName(NAME))) {
      if (packed == null) {
        return false;
      }
      Path file = Files.createTempFile("redilock", ".so");
      try {
        Files.copy(packed, file, StandardCopyOption.REPLACE_EXISTING);
        System.load(file.toString());
      } finally {
        Files.delete(file);
      }
      return true;
    } catch (IOException failure) {
      throw new UncheckedIOException("cannot unpack the JNI library of redilock", failure);
    }
  }
}
