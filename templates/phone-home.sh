#!/bin/sh
# Makes an installed system report to the provisioner at every boot, until the report is acknowledged.
# Run once: by cloud-init as vendor data, after Ignition by provisioner-setup.service. Needs curl and systemd.
# Writes below /etc only: the rest may be read-only. Variables: url, token.
set -eu

# A word of the shell out of any text.
word() {
    printf "'%s'\n" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

url={{quote url}}
token={{quote token}}
install -d -m 0755 /etc/provisioner
umask 077
{
    printf 'URL='
    word "$url"
    printf 'TOKEN='
    word "$token"
} >/etc/provisioner/phone-home.env.new
mv /etc/provisioner/phone-home.env.new /etc/provisioner/phone-home.env
umask 022

cat >/etc/provisioner/phone-home <<'SCRIPT'
#!/bin/sh
# Written by the provisioner: says that this system is up.
set -eu

# A JSON string out of any text on stdin.
quoted() {
    printf '"%s"' "$(tr -d '\000-\037' | sed 's/[\\"]/\\&/g')"
}

report() {
    os=$( . /etc/os-release && printf '%s' "${PRETTY_NAME:-${ID:-linux}}" ) || os=linux
    printf '{"hostname":%s,"boot_id":%s,"versions":{"kernel":%s,"os":%s}}\n' \
        "$(uname -n | quoted)" \
        "$(quoted </proc/sys/kernel/random/boot_id)" \
        "$(uname -r | quoted)" \
        "$(printf '%s' "$os" | quoted)"
}

if [ "${1:-}" = --print ]; then
    report
    exit 0
fi

. /etc/provisioner/phone-home.env
body=$(report)
# The token goes in by stdin: arguments can be read by every user.
code=$(printf 'header = "Authorization: Bearer %s"\n' "$TOKEN" | curl --config - \
    --silent --show-error --max-time 20 --output /dev/null --write-out '%{http_code}' \
    --header 'Content-Type: application/json' --data-binary "$body" \
    "$URL/v1/node/running") || code=000
case $code in
    2??) echo "acknowledged by $URL" ;;
    400 | 401 | 403 | 409 | 422)
        echo "refused by $URL with $code: this system is not the one that is wanted now" >&2
        exit 64
        ;;
    *)
        echo "no answer from $URL ($code); again in 5 s" >&2
        exit 1
        ;;
esac
SCRIPT
chmod 0755 /etc/provisioner/phone-home

cat >/etc/systemd/system/provisioner-phone-home.service <<'UNIT'
[Unit]
Description=Report to the provisioner that this system is up
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
# By a shell: below /etc nothing is a program for SELinux.
ExecStart=/bin/sh /etc/provisioner/phone-home
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=64

[Install]
WantedBy=multi-user.target
UNIT

systemctl daemon-reload
systemctl enable provisioner-phone-home.service
# Who has said that it runs may be switched off at once: what the first boot made (this unit, the host's SSH
# keys) must not be lost in the page cache then.
sync
systemctl --no-block start provisioner-phone-home.service
