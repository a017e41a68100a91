#!/bin/sh
# deps.sh build|test|bench: installs the Debian packages that are missing for that purpose, and for
# tests also the clients from their registries. Says what it does; does nothing when all is there.
set -eu
cd "$(dirname "$0")/.."

build="gcc make python3 pkg-config libssl-dev liblmdb-dev libisal-dev libxxhash-dev libpcre2-dev libexpat1-dev zlib1g-dev libzstd-dev"
fuzz="$build clang libclang-rt-14-dev"
# Machines, as root: the tiny image is made of busybox and dropbear, the others with mmdebstrap, virtual
# machines run in QEMU.
test="$fuzz busybox-static dropbear-bin openssh-sftp-server mmdebstrap e2fsprogs qemu-system-x86 libcmocka-dev python3-venv nodejs npm chromium openssh-client openssl putty-tools curl"
bench="$build nginx-light"

case "${1:-build}" in
build) want=$build ;;
test) want=$test ;;
bench) want=$bench ;;
fuzz) want=$fuzz ;;
*) echo "usage: tools/deps.sh build|test|bench|fuzz" >&2; exit 2 ;;
esac

missing=""
for p in $want; do
	case "$p" in
	# A toolchain that was installed another way serves as well.
	nodejs|npm|python3|gcc|make|curl) command -v "${p%js}" >/dev/null 2>&1 || command -v "$p" >/dev/null 2>&1 || missing="$missing $p" ;;
	python3-venv) python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing $p" ;;
	*) dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p" ;;
	esac
done
if [ -n "$missing" ]; then
	echo "Installing:$missing"
	as_root=""
	[ "$(id -u)" = 0 ] || as_root=sudo
	if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
		echo "These Debian packages are missing and sudo is not there; as root: apt-get install$missing" >&2
		exit 1
	fi
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 || {
		$as_root apt-get update -q >/dev/null
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null
	}
fi

if [ "${1:-build}" = test ]; then
	venv=tests/.venv
	if ! [ -x "$venv/bin/aws" ] || ! cmp -s tests/requirements.txt "$venv/installed"; then
		echo "Installing the aws CLI and boto3 into $venv"
		python3 -m venv "$venv"
		"$venv/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt
		cp tests/requirements.txt "$venv/installed"
	fi
	if ! cmp -s tests/js/package.json tests/js/node_modules/installed 2>/dev/null; then
		echo "Installing the JavaScript SDK into tests/js"
		(cd tests/js && npm install --no-audit --no-fund --loglevel=error >/dev/null)
		cp tests/js/package.json tests/js/node_modules/installed
	fi
fi
