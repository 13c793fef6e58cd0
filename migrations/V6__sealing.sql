-- What is sealed can be sealed anew under another secret key, and the private half of a key ends with it.
comment on column signing_keys.private_key_sealed is 'PKCS#8 under AES-256-GCM with a key derived from USHER_SECRET_KEY, bound to the kid. Empty once the key has expired.';
comment on column idempotency_keys.request_hash is 'Keyed hash of the body (it may hold a password): the same key with another body is refused. Empty once the answer was sealed under a new secret key: then bodies can''t be compared.';
