// Text as the library has it: UTF-8.

package io.redilock;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

final class Text {
  private Text() {}

  /** Decodes what the library returned. */
  static String of(byte[] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }

  /** Encodes a name or value. Half of a surrogate pair has no form in UTF-8 and is refused. */
  static byte[] bytes(String text) {
    if (text == null) {
      throw new InvalidException("a name or value is null");
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (!text.equals(of(bytes))) {
      throw new InvalidException("a name or value is no valid Unicode text");
    }
    return bytes;
  }

  /** Copies a name or value that the caller may change later. */
  static byte[] copy(byte[] bytes) {
    if (bytes == null) {
      throw new InvalidException("a name or value is null");
    }
    return bytes.clone();
  }

  /** Encodes a text that ends with a NUL, and refuses one inside, where C would cut it. */
  static byte[] terminated(String text) {
    if (text == null) {
      return null;
    }
    if (text.indexOf('\0') >= 0) {
      throw new InvalidException("a url or the name of an option holds a NUL");
    }
    byte[] bytes = bytes(text);
    return Arrays.copyOf(bytes, bytes.length + 1);
  }
}
