"""The extension `redilock._core`: redilock.h through SWIG, linked to the libredilock that
pkg-config finds. Everything else about the package stands in pyproject.toml.

An sdist has SWIG's output in it, so that only a checkout needs SWIG. With REDILOCK_BUNDLE=1 the
wheel carries libredilock and hiredis with it, and runs where neither is installed. A library
outside the system's folders is found where it was at build time; with REDILOCK_RPATH=0 by the
loader alone, as distributions want it.
"""

import os
import pathlib
import re
import shutil
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent
INTERFACE = HERE.parent / "swig" / "redilock.i"
WRAPPER = "generated/core_wrap.c"
BUNDLE = os.environ.get("REDILOCK_BUNDLE", "") not in ("", "0", "no")
RPATH = os.environ.get("REDILOCK_RPATH", "1") not in ("", "0", "no")
SYSTEM = re.compile(r"(/usr)?/lib(64|32)?(/[^/]+-linux-[^/]+)?")


def pkg_config(*arguments):
    """The words that pkg-config says of redilock."""
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), *arguments, "redilock"]
    try:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(
            "pkg-config does not find redilock: install libredilock first, or point "
            "PKG_CONFIG_PATH to the folder of redilock.pc"
        ) from None


def generate():
    """Has SWIG write the wrapper, if this is a checkout; an sdist has it."""
    wrapper = HERE / WRAPPER
    if not INTERFACE.exists():
        return
    wrapper.parent.mkdir(exist_ok=True)
    command = [os.environ.get("SWIG", "swig"), "-python", "-builtin", "-outdir", wrapper.parent]
    include = pkg_config("--variable=includedir")
    subprocess.run([*command, f"-I{include[0]}", "-o", wrapper, INTERFACE], check=True)


def libraries_of(program):
    """The paths of libredilock and hiredis as the loader finds them for a program."""
    environment = dict(os.environ)
    places = [*pkg_config("--variable=libdir"), environment.get("LD_LIBRARY_PATH", "")]
    environment["LD_LIBRARY_PATH"] = ":".join(filter(None, places))
    command = ["ldd", program]
    said = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout
    found = dict(re.findall(r"^\s*(lib(?:redilock|hiredis)\S*) => (/\S+)", said, re.MULTILINE))
    if len(found) != 2:
        raise SystemExit(f"libredilock and hiredis are not to be found:\n{said}")
    return found


class BuildExtension(build_ext):
    """Compiles what SWIG wrote, and puts the libraries beside it if they are to be carried."""

    def run(self):
        generate()
        super().run()

    def build_extension(self, extension):
        extension.extra_compile_args += pkg_config("--cflags")
        extension.extra_link_args += pkg_config("--libs")
        built = pathlib.Path(self.get_ext_fullpath(extension.name))
        for left in built.parent.glob("lib*.so*"):  # of a build that carried others
            left.unlink()
        self.force = True  # the module of an earlier build may look for the library elsewhere
        place = os.path.normpath(pkg_config("--variable=libdir")[0])
        if BUNDLE:
            # RPATH and not RUNPATH: it also counts for what libredilock itself needs.
            extension.extra_link_args += ["-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN"]
        elif not SYSTEM.fullmatch(place) and RPATH:
            extension.extra_link_args += [f"-Wl,-rpath,{place}"]
        super().build_extension(extension)
        if BUNDLE:
            for name, path in libraries_of(built).items():
                shutil.copyfile(path, built.parent / name)


class SourceDistribution(sdist):
    """Carries SWIG's output."""

    def run(self):
        generate()
        super().run()


setup(
    ext_modules=[
        # SWIG's code has unused functions.
        Extension("redilock._core", [WRAPPER], extra_compile_args=["-Wno-unused-function"])
    ],
    cmdclass={"build_ext": BuildExtension, "sdist": SourceDistribution},
)
