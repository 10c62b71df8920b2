#!/bin/sh
# Installs from Debian what the tests run against: the real broker, stores, browser and SMS daemon, the fonts that the printed
# reports need, and what boots a device's card in a container. Says nothing much when all is there.
#
# A service that this script brings in is not started: the tests run their own copies, and a broker or a store
# that nobody asked for would sit on its usual port. A service that was there before is left as it is.
set -eu

PACKAGES="mosquitto influxdb chromium postgresql fonts-noto-core fonts-dejavu-core iproute2 openssl
systemd systemd-container mmdebstrap gammu-smsd"

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=""
for package in $PACKAGES; do
    is_installed "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "test packages: all there"
    exit 0
fi

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian's maintainer scripts ask this program whether they may start a service; 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
fi

echo "test packages: installing$missing"
as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null

# Nor are they to start at the next boot.
if command -v systemctl >/dev/null 2>&1; then
    for service in mosquitto influxdb postgresql gammu-smsd; do
        case " $missing " in
        *" $service "*) as_root systemctl disable --quiet "$service" 2>/dev/null || true ;;
        esac
    done
fi
echo "test packages: done"
