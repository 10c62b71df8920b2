#!/bin/sh
# The first boot of a device: from Raspberry Pi OS 12 and what lies beside this file to a running agent, with no
# network at all. cmdline.txt makes systemd run it (systemd.run=), then reboot; when it fails the Pi switches off.
#
# The power may go at any moment. Every step can be done again, a file appears whole or not at all, and the last
# step alone takes the order to run out of cmdline.txt. What a step takes away from the card (the key, the Wi-Fi
# passphrase) was put in its place and brought to the disk before.
set -eu
umask 022
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

boot=/boot/firmware
card=$boot/tskaro
log=$boot/tskaro-first-boot.log
etc=/etc/tskaro

say() {
    echo "tskaro: $*"
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*" >>"$log"
}

failed() {
    code=$?
    [ "$code" -eq 0 ] || say "FAILED (code $code) at: $step. Switch the Pi on to try again."
    sync
}
step="the beginning"
trap failed EXIT
begin() {
    step=$1
    say "$step"
}

# put MODE FILE NAME: NAME becomes a copy of FILE. What an earlier try has put there and taken off the card stays.
put() {
    if [ ! -e "$2" ]; then
        [ -e "$3" ] || { say "$2 is missing: make the card again"; exit 78; }
        return 0
    fi
    mkdir -p "$(dirname "$3")"
    (umask 077 && cp "$2" "$3.new")
    chown root:root "$3.new"
    chmod "$1" "$3.new"
    sync "$3.new"
    mv -T "$3.new" "$3"
}

# write NAME: NAME becomes what comes in.
write() {
    mkdir -p "$(dirname "$1")"
    cat >"$1.new"
    sync "$1.new"
    mv -T "$1.new" "$1"
}

begin "reading the card"
. "$card/card.conf"

# A Pi without a clock of its own starts at the time of its image, when no certificate of ours was valid.
begin "the clock is not before the card was made"
[ "$(date +%s)" -ge "$MADE_AT" ] || date -s "@$MADE_AT" >/dev/null
mkdir -p /var/lib/systemd/timesync
touch /var/lib/systemd/timesync/clock
chown --reference=/var/lib/systemd/timesync /var/lib/systemd/timesync/clock
ln -sfn "/usr/share/zoneinfo/$TIMEZONE" /etc/localtime
echo "$TIMEZONE" | write /etc/timezone

begin "the name $DEVICE"
echo "$DEVICE" | write /etc/hostname
{ grep -v '^127\.0\.1\.1' /etc/hosts 2>/dev/null || true; printf '127.0.1.1\t%s\n' "$DEVICE"; } >/etc/hosts.first-boot
write /etc/hosts </etc/hosts.first-boot
rm /etc/hosts.first-boot

begin "the user tskaro and its groups"
# Locks of a try that lost its power; nobody else changes users now.
rm -f /etc/.pwd.lock /etc/passwd.lock /etc/shadow.lock /etc/group.lock /etc/gshadow.lock /etc/subuid.lock /etc/subgid.lock
for group in gpio i2c spi dialout tskaro; do
    getent group "$group" >/dev/null || groupadd --system "$group"
done
getent passwd tskaro >/dev/null ||
    useradd --system --gid tskaro --home-dir /var/lib/tskaro --no-create-home --shell /usr/sbin/nologin tskaro
usermod --append --groups gpio,i2c,spi,dialout tskaro

begin "settings, certificate and key"
put 644 "$card/edge.toml" $etc/edge.toml
put 644 "$card/device.toml" $etc/device.toml
put 644 "$card/ca.pem" $etc/tls/ca.pem
put 644 "$card/device.pem" $etc/tls/device.pem
put 600 "$card/device.key" $etc/tls/device.key
[ ! -e "$card/update.pub" ] || put 644 "$card/update.pub" $etc/update.pub

begin "the network"
for connection in "$card"/network/*.nmconnection; do
    [ -e "$connection" ] || continue
    put 600 "$connection" "/etc/NetworkManager/system-connections/$(basename "$connection")"
done
# Raspberry Pi OS keeps Wi-Fi switched off until somebody has said in which country it is; cmdline.txt says it.
for switch in /var/lib/systemd/rfkill/*:wlan; do
    [ ! -e "$switch" ] || echo 0 >"$switch"
done
if [ -e "$card/ssh_keys" ]; then
    put 644 "$card/ssh_keys" $etc/ssh_keys
    printf 'PasswordAuthentication no\nAuthorizedKeysFile .ssh/authorized_keys %s/ssh_keys\n' $etc |
        write /etc/ssh/sshd_config.d/tskaro.conf
fi

begin "buses and watchdog"
put 644 "$card/modules.conf" /etc/modules-load.d/tskaro.conf
# The chip cannot wait longer than 15 s.
printf '[Manager]\nRuntimeWatchdogSec=15s\n' | write /etc/systemd/system.conf.d/tskaro.conf

home=/opt/tskaro
new=$home/versions/$VERSION
if [ ! -e "$new/COMPLETE" ]; then
    begin "the software, version $VERSION (some minutes on a small Pi)"
    rm -rf "$new"
    mkdir -p "$home/versions"
    # Without ensurepip, which the python3 of Debian alone has not; pip comes along as a wheel and runs out of it.
    python3 -m venv --without-pip "$new"
    "$new/bin/python" "$(echo "$card"/wheels/pip-*.whl)/pip" install --quiet --no-index --no-cache-dir \
        --find-links "$card/wheels" pip "tskaro[edge]==$VERSION" >>"$log" 2>&1
    "$new/bin/python" -c 'import edge.agent' >>"$log" 2>&1
    sync
    touch "$new/COMPLETE"
    sync
fi
ln -sfn "versions/$VERSION" $home/current.new
mv -T $home/current.new $home/current
chown -R tskaro:tskaro $home
# What goes back from a version that fails lies where no version can write.
for program in launch pace; do
    put 644 "$("$new/bin/python" -c "import edge.$program; print(edge.$program.__file__)")" \
        /usr/local/lib/tskaro/$program.py
done
mkdir -p /usr/local/bin
ln -sfn $home/current/bin/tskaro-edge /usr/local/bin/tskaro-edge

begin "the service"
put 644 "$card/tskaro-edge.service" /etc/systemd/system/tskaro-edge.service
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -sfn ../tskaro-edge.service /etc/systemd/system/multi-user.target.wants/tskaro-edge.service
sync

begin "taking the secrets off the card"
rm -rf "$card/device.key" "$card/network"
sync

begin "done; the agent starts with the next boot"
sed -e 's, systemd\.run=/boot/firmware/firstrun\.sh,,' -e 's, systemd\.run_success_action=reboot,,' \
    -e 's, systemd\.run_failure_action=poweroff,,' -e 's, systemd\.unit=kernel-command-line\.target,,' \
    $boot/cmdline.txt >$boot/cmdline.new
sync $boot/cmdline.new
mv -T $boot/cmdline.new $boot/cmdline.txt
sync
rm -rf "$card" $boot/firstrun.sh
