#!/bin/sh
# Puts a new list of revoked certificates where the broker reads it, and has it read. Run by tskaro-revocations.service.
#
#   take-revocations.sh LIST FOLDER COMMAND...     COMMAND makes the broker read FOLDER/crl.pem again
#
# A list that was damaged, or that another authority has signed, must not reach the broker: without one that it can read
# Mosquitto 2.0.11 lets everybody in and says nothing, and with one that is not signed as it should be, nobody.
set -eu
list=$1 folder=$2
shift 2
while :; do
    cp "$list" "$folder/crl.new"
    chmod 644 "$folder/crl.new"
    # What openssl says counts: for a wrong signature it ends with 0 all the same.
    if ! openssl crl -noout -CAfile "$folder/ca.pem" -in "$folder/crl.new" 2>&1 | grep -qx 'verify OK'; then
        echo "$list: no list that the authority in $folder/ca.pem has signed; the broker keeps the one it has" >&2
        exit 1
    fi
    mv -f "$folder/crl.new" "$folder/crl.pem"
    "$@"
    if cmp -s "$list" "$folder/crl.pem"; then # else it was changed meanwhile
        exit 0
    fi
done
