#!/bin/sh
# Puts the values of a file such as front.env into the templates and writes the configuration into a folder such as /etc/nginx.
#
#     ./render.sh front.env /etc/nginx && nginx -t && systemctl reload nginx
#
# It overwrites what it has written before, but for the lists of networks, which are yours to edit. It leaves nginx.conf alone.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 VALUES FOLDER" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
folder=$2

set -a
case $1 in
    /*) . "$1" ;;
    *) . "./$1" ;;
esac
set +a

render() {
    awk '
        {
            while (match($0, /\$\{FRONT_[A-Z0-9_]+\}/)) {
                name = substr($0, RSTART + 2, RLENGTH - 3)
                if (ENVIRON[name] == "") {
                    print FILENAME ": " name " has no value" > "/dev/stderr"
                    exit 1
                }
                $0 = substr($0, 1, RSTART - 1) ENVIRON[name] substr($0, RSTART + RLENGTH)
            }
            print
        }
    ' "$1"
}

mkdir -p "$folder/conf.d" "$folder/usher"
cp -R "$here/usher/pages" "$folder/usher/"
for source in "$here"/usher/*.conf "$here"/usher/*.sample; do
    target="$folder/usher/$(basename "$source")"
    case $source in
        *-networks.conf) [ -e "$target" ] || cp "$source" "$target" ;;
        *) cp "$source" "$target" ;;
    esac
done
for template in "$here"/templates/*.template; do
    name=$(basename "$template" .template)
    target="$folder/conf.d/$name"
    if [ "$name" = protected-site.conf ] && [ -z "${FRONT_SITE_HOST:-}" ]; then
        continue
    fi
    # Only what is complete takes the place of what is there.
    render "$template" > "$target.new"
    mv "$target.new" "$target"
done
