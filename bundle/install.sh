#!/bin/sh
# Install Bihuan from this folder, without any network: ./install.sh FOLDER [PYTHON]
#   FOLDER  is made by this script and must not exist yet, e.g. /opt/bihuan/0.1.0
#   PYTHON  the interpreter to use, by default the one this bundle was built for, found on PATH
# Nothing outside FOLDER is touched. Ends with 0 when it is installed and answers, else with 2 and nothing left behind.
set -eu
umask 022

stop() {
  echo "install.sh: $1" >&2
  exit 2
}

test $# -ge 1 && test $# -le 2 || stop "say where to install: ./install.sh FOLDER [PYTHON]"
here=$(cd "$(dirname "$0")" && pwd)
told() { sed -n "s/^$1=//p" "$here/VERSION"; }
test -r "$here/VERSION" || stop "VERSION is not beside this script: run it in the unpacked folder of the bundle"
version=$(told bihuan) python=$(told python) machine=$(told machine) glibc=$(told glibc) room=$(told unpacked_mb)

# What the machine must be. Each answer says what is there and what is needed.
test "$(uname -s)-$(uname -m)" = "Linux-$machine" ||
  stop "this machine is $(uname -s) $(uname -m); the bundle is for Linux $machine"
has=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //') || has=""
test -n "$has" || stop "this system has no GNU C library, which the bundle needs ($glibc or newer)"
test "$(printf '%s\n%s\n' "$glibc" "$has" | sort -t. -k1,1n -k2,2n | head -n 1)" = "$glibc" ||
  stop "the C library here is $has; the bundle needs $glibc or newer"
with=${2:-$(command -v "python$python" || command -v python3 || true)}
test -n "$with" || stop "no python$python on PATH: install Python $python, or name it: ./install.sh $1 /path/to/python$python"
is=$("$with" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || stop "$with does not run"
test "$is" = "$python" ||
  stop "$with is Python $is; the bundle is for Python $python: name one, ./install.sh $1 /path/to/python$python"
"$with" -c 'import venv, ssl, sqlite3, ctypes, bz2, lzma' || stop "$with was built without a part that Bihuan needs: see above"

# Where.
test ! -e "$1" || stop "$1 exists already: choose a new folder, and switch over once it works"
parent=$(dirname "$1")
mkdir -p "$parent" || stop "$parent cannot be made"
target=$(cd "$parent" && pwd)/$(basename "$1")
free=$(df -Pm "$parent" | awk 'NR == 2 { print $4 }')
needs=$((room * 3 / 2))
test "$free" -ge "$needs" || stop "$parent has $free MB of room; $needs MB are needed"

# Every file as it left the builder, and not one more among the wheels.
cd "$here"
echo "checking the files"
sha256sum --check --quiet --strict SHA256SUMS ||
  stop "a file is not what it was when the bundle was built: carry it over again, and check the archive with sha256sum -c"
for wheel in wheels/*; do
  grep -q "  $wheel\$" SHA256SUMS || stop "$wheel is not of this bundle: unpack the archive into an empty folder"
done

trap 'rm -rf "$target"' EXIT
trap 'exit 2' HUP INT TERM
echo "installing Bihuan $version for Python $python into $target"
"$with" -m venv --without-pip "$target"
unset PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE
PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
  "$target/bin/python" "$(echo wheels/pip-*.whl)/pip" install --isolated --quiet --no-index --no-cache-dir --no-compile \
  --find-links wheels --only-binary=:all: --require-hashes --requirement requirements.txt ||
  stop "pip could not install it: see above"
# Compiled here, at once on all cores: who runs it later may not write there, and would start slowly for ever.
echo "compiling"
"$target/bin/python" -m compileall -q -j 0 "$target/lib" >/dev/null 2>&1 || true # a library may carry files for other Pythons
"$target/bin/bihuan" --version >/dev/null || stop "it is installed and does not start: see above"
cp VERSION LICENSE NOTICE THIRD-PARTY.md "$target/"
trap - EXIT

cat <<TOLD
Bihuan $version is installed. Next, where its data shall lie (here /srv/bihuan): the first account, then the server.
  BIHUAN_HOME=/srv/bihuan $target/bin/bihuan user add security --role security_admin --random
  BIHUAN_HOME=/srv/bihuan $target/bin/bihuan serve
TOLD
