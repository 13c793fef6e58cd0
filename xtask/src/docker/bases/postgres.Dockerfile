# What compose.yaml needs of the official image of PostgreSQL, made of Debian's package.
ARG BASE
FROM ${BASE}
COPY postgres-entry.sh /usr/local/bin/
# As there: the volume gets its owner from this folder.
RUN rm -rf /var/lib/postgresql/* && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
ENV PGDATA=/var/lib/postgresql/data
ENTRYPOINT ["postgres-entry.sh"]
CMD ["postgres"]
