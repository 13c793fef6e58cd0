#!/bin/sh
# Renders deploy/nginx into memory and becomes Nginx. Any image with a shell, awk and Nginx 1.22 or newer will do.
set -eu
/deploy/nginx/render.sh /deploy/docker/nginx/front.env /tmp/nginx
cp /deploy/docker/nginx/nginx.conf /tmp/nginx/nginx.conf
exec nginx -e /dev/stderr -c /tmp/nginx/nginx.conf -g 'daemon off;'
