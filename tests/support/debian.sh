# How scripts fetch packages of a Debian release without installing them. Source it, set $folder and call
# use_release; then `apt apt-get ...` is apt of a machine of that release that has no package installed.
# shellcheck shell=sh disable=SC2154

apt() {
  command=$1
  shift
  "$command" -qq -o Dir::State="$folder/apt" -o Dir::State::Status="$folder/apt/status" \
    -o Dir::Cache="$folder/apt/cache" -o Dir::Etc::SourceList="$folder/apt/sources.list" \
    -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o APT::Sandbox::User="$(id -un)" "$@"
}

# use_release KIND RELEASE: KIND is deb or deb-src. The archive is the one that this machine uses.
use_release() {
  # shellcheck disable=SC2016
  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
    head -n 1)
  [ -n "$archive" ] || {
    echo "this machine has no archive of Debian (after apt-get update)"
    exit 1
  }
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
  : >"$folder/apt/status"
  echo "$1 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $2 main" \
    >"$folder/apt/sources.list"
  apt apt-get update
}
