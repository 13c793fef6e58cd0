-- usher 0.1.0, schema version 9
-- Written by `cargo xtask gen --release`.

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

CREATE FUNCTION public.refuse_erasure_of_the_living() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if exists (
        select from audit_events e
        where e.id = old.event_id
            and (
                (e.actor_kind = 'user' and e.actor_id is not null and not exists (select from users u where u.id = e.actor_id))
                or (e.subject_id is not null and not exists (select from users u where u.id = e.subject_id))
            )
    ) then
        return old;
    end if;
    raise exception 'audit_details are erased only when the person they concern is purged' using errcode = 'restrict_violation';
end
$$;

CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    user_id uuid,
    service_account_id uuid,
    name text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    permissions text[] NOT NULL,
    auth_epoch bigint,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    last_used_address inet,
    CONSTRAINT api_keys_auth_epoch_check CHECK (((user_id IS NULL) = (auth_epoch IS NULL))),
    CONSTRAINT api_keys_holder_check CHECK ((num_nonnulls(user_id, service_account_id) = 1)),
    CONSTRAINT api_keys_key_hash_check CHECK ((octet_length(key_hash) = 32))
)
WITH (fillfactor='85');

COMMENT ON TABLE public.api_keys IS 'Bearer secrets of programs. Each belongs to one user or to one service account.';

COMMENT ON COLUMN public.api_keys.prefix IS 'The beginning of the key, by which people tell their keys apart.';

COMMENT ON COLUMN public.api_keys.key_hash IS 'SHA-256 over purpose and secret.';

COMMENT ON COLUMN public.api_keys.permissions IS 'What the key may do, as far as its holder may do it at that moment.';

COMMENT ON COLUMN public.api_keys.auth_epoch IS 'The user''s epoch when the key was made: what ends all sessions of a user ends their keys.';

COMMENT ON COLUMN public.api_keys.last_used_at IS 'Written at most once a minute.';

CREATE TABLE public.attempts (
    authenticator text NOT NULL,
    subject text NOT NULL,
    device_id uuid NOT NULL,
    charged integer NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    failed_in_a_row integer DEFAULT 0 NOT NULL,
    lockouts integer DEFAULT 0 NOT NULL,
    locked_until timestamp with time zone,
    disabled_at timestamp with time zone,
    last_attempt_at timestamp with time zone NOT NULL,
    CONSTRAINT attempts_charged_check CHECK (((failed >= 0) AND (charged >= failed)))
)
WITH (fillfactor='70');

COMMENT ON TABLE public.attempts IS 'Attempts at an authenticator. There is a row for accounts that do not exist, too: nobody can tell them apart (R-027).';

COMMENT ON COLUMN public.attempts.subject IS 'The account, or a keyed hash of the name of an account that is nobody''s.';

COMMENT ON COLUMN public.attempts.device_id IS 'The known device it was attempted from; the nil UUID for everywhere else (R-025).';

COMMENT ON COLUMN public.attempts.charged IS 'Attempts reserved before the secret is looked at, so that parallel guesses cost parallel attempts (R-022).';

COMMENT ON COLUMN public.attempts.failed IS 'Of those, the ones that turned out wrong. Charged minus failed are still being verified.';

COMMENT ON COLUMN public.attempts.failed_in_a_row IS 'Failures since the last success, across lock-outs; counted in the row of the nil UUID for all devices (R-020).';

COMMENT ON COLUMN public.attempts.lockouts IS 'Lock-outs in a row; each doubles the next one. Success clears it.';

COMMENT ON COLUMN public.attempts.disabled_at IS 'Too many failures in a row: the authenticator must be bound anew (R-020).';

CREATE TABLE public.audit_checkpoints (
    tree_size bigint NOT NULL,
    note text NOT NULL,
    verifier_key text NOT NULL,
    edge bytea NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    CONSTRAINT audit_checkpoints_tree_size_check CHECK ((tree_size > 0))
);

COMMENT ON TABLE public.audit_checkpoints IS 'Signed states of the tree (C2SP tlog-checkpoint); append-only.';

COMMENT ON COLUMN public.audit_checkpoints.verifier_key IS 'The public half of the key that signed it (C2SP signed-note), for monitors.';

COMMENT ON COLUMN public.audit_checkpoints.edge IS 'The roots of the complete subtrees, from which the tree goes on.';

CREATE TABLE public.audit_details (
    event_id uuid NOT NULL,
    salt bytea NOT NULL,
    content text NOT NULL,
    CONSTRAINT audit_details_salt_check CHECK ((octet_length(salt) = 16))
);

COMMENT ON TABLE public.audit_details IS 'What may be personal of an audit event. Without foreign key: events are never deleted, and every sign-in would pay.';

COMMENT ON COLUMN public.audit_details.salt IS 'Keeps erased details from being guessed by their hash.';

COMMENT ON COLUMN public.audit_details.content IS 'JSON {"reason", "address", "user_agent", "changes"}, as text: byte by byte what was hashed. Never a secret.';

CREATE TABLE public.audit_events (
    id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    target_kind text,
    target_id text,
    request_id text,
    subject_id uuid,
    details_hash bytea NOT NULL,
    CONSTRAINT audit_events_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['anonymous'::text, 'user'::text, 'service_account'::text, 'cli'::text, 'system'::text]))),
    CONSTRAINT audit_events_details_hash_check CHECK ((octet_length(details_hash) = 32)),
    CONSTRAINT audit_events_outcome_check CHECK ((outcome = ANY (ARRAY['success'::text, 'failure'::text])))
);

COMMENT ON TABLE public.audit_events IS 'Who did what and when. Written in the transaction of the change; append-only.';

COMMENT ON COLUMN public.audit_events.subject_id IS 'The user, beside the actor, whom the details may concern: they go when the user is purged.';

COMMENT ON COLUMN public.audit_events.details_hash IS 'SHA-256(salt || content) of audit_details: stays when the details are erased.';

CREATE TABLE public.audit_keys (
    name text NOT NULL,
    private_key_sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.audit_keys IS 'The key that signs checkpoints when USHER_AUDIT_KEY is not set: the newest one.';

COMMENT ON COLUMN public.audit_keys.private_key_sealed IS 'Ed25519 PKCS#8, sealed and bound to the name.';

CREATE TABLE public.audit_leaves (
    leaf_index bigint NOT NULL,
    event_id uuid NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT audit_leaves_leaf_hash_check CHECK ((octet_length(leaf_hash) = 32)),
    CONSTRAINT audit_leaves_leaf_index_check CHECK ((leaf_index >= 0))
);

COMMENT ON TABLE public.audit_leaves IS 'The place of each sealed event in the Merkle tree (RFC 9162); append-only.';

CREATE TABLE public.audit_unsealed (
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    event_id uuid NOT NULL
);

COMMENT ON TABLE public.audit_unsealed IS 'Events that wait for the sealer, which takes them when their transaction and all before it are over.';

CREATE TABLE public.devices (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    address inet,
    user_agent text,
    CONSTRAINT devices_token_hash_check CHECK ((octet_length(token_hash) = 32))
)
WITH (fillfactor='85');

COMMENT ON TABLE public.devices IS 'Where a user has signed in before, known again by a token that the device keeps.';

COMMENT ON COLUMN public.devices.address IS 'Where it was last signed in from.';

CREATE TABLE public.emails (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    address text NOT NULL,
    address_normal text NOT NULL,
    is_primary boolean NOT NULL,
    verified_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.emails IS 'Addresses of users. One of them is the primary one.';

COMMENT ON COLUMN public.emails.address IS 'As the person wrote it; mail goes here.';

COMMENT ON COLUMN public.emails.address_normal IS 'One idempotent normal form (NFC, lower case, IDNA A-labels): the unique key.';

COMMENT ON COLUMN public.emails.verified_at IS 'Set only by the verification flow (R-048).';

CREATE TABLE public.idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    body_sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.idempotency_keys IS 'First answers to creating requests, for their repetition (24 hours).';

COMMENT ON COLUMN public.idempotency_keys.scope IS 'Who sent it and to which operation.';

COMMENT ON COLUMN public.idempotency_keys.request_hash IS 'Keyed hash of the body (it may hold a password): the same key with another body is refused. Empty once the answer was sealed under a new secret key: then bodies can''t be compared.';

COMMENT ON COLUMN public.idempotency_keys.body_sealed IS 'The whole first answer, sealed.';

CREATE TABLE public.jobs (
    id uuid NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    unique_key text,
    run_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    claimed_until timestamp with time zone,
    last_error text,
    dead_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.jobs IS 'Work to be done after the change that asked for it. A finished job''s row is gone; a dead one stays to be seen.';

COMMENT ON COLUMN public.jobs.unique_key IS 'At most one waiting job per key: how the periodic ones are scheduled.';

COMMENT ON COLUMN public.jobs.claimed_until IS 'A worker has it until then; if the worker dies another takes it.';

CREATE TABLE public.mails (
    id uuid NOT NULL,
    user_id uuid,
    template text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    body_sealed bytea,
    status text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    last_error text,
    created_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    CONSTRAINT mails_status_check CHECK ((status = ANY (ARRAY['held'::text, 'queued'::text, 'sent'::text, 'failed'::text])))
);

COMMENT ON TABLE public.mails IS 'Outgoing mail. held: there is no SMTP server; failed: given up, can be retried.';

COMMENT ON COLUMN public.mails.body_sealed IS 'Text and HTML, sealed: they contain links that work once. Forgotten when the mail has been sent.';

CREATE TABLE public.one_time_tokens (
    id uuid NOT NULL,
    purpose text NOT NULL,
    token_hash bytea NOT NULL,
    user_id uuid,
    email_id uuid,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    pending_email_id uuid,
    tries integer DEFAULT 0 NOT NULL,
    CONSTRAINT one_time_tokens_purpose_check CHECK ((purpose = ANY (ARRAY['setup'::text, 'verify_email'::text, 'reset_password'::text, 'set_password'::text, 'report_sign_in'::text, 'confirm_email'::text, 'undo_deletion'::text]))),
    CONSTRAINT one_time_tokens_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

COMMENT ON TABLE public.one_time_tokens IS 'Links and codes that work once. The purpose is part of the key and of the hash (R-040).';

COMMENT ON COLUMN public.one_time_tokens.token_hash IS 'SHA-256 over purpose and secret.';

COMMENT ON COLUMN public.one_time_tokens.used_at IS 'Set by the one conditional statement that consumes the token.';

COMMENT ON COLUMN public.one_time_tokens.pending_email_id IS 'The pending address that the link was sent to; without a row of that id the link confirms nothing.';

COMMENT ON COLUMN public.one_time_tokens.tries IS 'Passwords tried beside this token, counted before they are verified.';

CREATE TABLE public.password_credentials (
    user_id uuid NOT NULL,
    hash text NOT NULL,
    changed_at timestamp with time zone NOT NULL
)
WITH (fillfactor='70');

COMMENT ON TABLE public.password_credentials IS 'One password per user, as a PHC string.';

CREATE TABLE public.pending_emails (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    address text NOT NULL,
    address_normal text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.pending_emails IS 'An address that a user wants to add: it belongs to nobody before it is confirmed. One per user.';

COMMENT ON COLUMN public.pending_emails.id IS 'Another one for every request, so that a link for an earlier address fits nothing (R-046). Becomes the id of the address.';

COMMENT ON COLUMN public.pending_emails.address_normal IS 'As in emails, but not unique: several users may wait for one address.';

CREATE UNLOGGED TABLE public.rate_limits (
    key text NOT NULL,
    filled_until timestamp with time zone NOT NULL
)
WITH (fillfactor='70');

COMMENT ON TABLE public.rate_limits IS 'How far each bucket is filled (generic cell rate algorithm). Unlogged: after a crash all buckets are empty, which harms nobody.';

COMMENT ON COLUMN public.rate_limits.key IS 'Name of the limit and whom it is for.';

COMMENT ON COLUMN public.rate_limits.filled_until IS 'When the bucket is empty again, if nothing more is taken.';

CREATE TABLE public.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);

CREATE TABLE public.refresh_tokens (
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    successor bytea,
    CONSTRAINT refresh_tokens_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

COMMENT ON TABLE public.refresh_tokens IS 'The rotating family of a session. A used one that comes back ends the session.';

COMMENT ON COLUMN public.refresh_tokens.successor IS 'The next token, encrypted under this one, while a retry grace is configured.';

CREATE TABLE public.roles (
    name text NOT NULL,
    description text NOT NULL,
    permissions text[] NOT NULL,
    built_in boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT roles_name_check CHECK ((name ~ '^[a-z][a-z0-9_-]{0,62}$'::text))
);

COMMENT ON TABLE public.roles IS 'Named sets of permissions.';

COMMENT ON COLUMN public.roles.permissions IS 'Names from the closed list; a name this release does not know is ignored.';

COMMENT ON COLUMN public.roles.built_in IS 'admin, manager and user: kept in step with the code at start, never edited or deleted.';

CREATE TABLE public.service_accounts (
    id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    permissions text[] NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT service_accounts_name_check CHECK ((name ~ '^[a-z][a-z0-9_-]{0,62}$'::text)),
    CONSTRAINT service_accounts_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])))
);

COMMENT ON TABLE public.service_accounts IS 'Programs that act in their own name. They have no password and no session, only API keys.';

COMMENT ON COLUMN public.service_accounts.permissions IS 'Names from the closed list, as in roles: what a key of the account may hold at most.';

COMMENT ON COLUMN public.service_accounts.version IS 'Raised by every change; the entity tag of the resource.';

CREATE TABLE public.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    auth_epoch bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_reason text,
    address inet,
    user_agent text,
    amr text[] NOT NULL,
    device_id uuid
)
WITH (fillfactor='85');

COMMENT ON TABLE public.sessions IS 'Sign-ins. Every access token names one, and every request looks it up.';

COMMENT ON COLUMN public.sessions.auth_epoch IS 'The user''s epoch when the session began; a later epoch has ended it.';

COMMENT ON COLUMN public.sessions.amr IS 'Authentication methods (RFC 8176).';

COMMENT ON COLUMN public.sessions.device_id IS 'The device it was begun on.';

CREATE TABLE public.signing_keys (
    kid text NOT NULL,
    algorithm text NOT NULL,
    public_jwk jsonb NOT NULL,
    private_key_sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    active_at timestamp with time zone NOT NULL,
    retired_at timestamp with time zone,
    expires_at timestamp with time zone,
    CONSTRAINT signing_keys_algorithm_check CHECK ((algorithm = ANY (ARRAY['EdDSA'::text, 'ES256'::text, 'RS256'::text])))
);

COMMENT ON TABLE public.signing_keys IS 'Keys that sign tokens. The newest active one signs; all that are not expired verify.';

COMMENT ON COLUMN public.signing_keys.private_key_sealed IS 'PKCS#8 under AES-256-GCM with a key derived from USHER_SECRET_KEY, bound to the kid. Empty once the key has expired.';

COMMENT ON COLUMN public.signing_keys.active_at IS 'Published from creation, signs from here on: one cache lifetime later (R-129).';

COMMENT ON COLUMN public.signing_keys.expires_at IS 'Leaves the published set: after the last token it signed has expired.';

CREATE TABLE public.user_roles (
    user_id uuid NOT NULL,
    role_name text NOT NULL,
    granted_at timestamp with time zone NOT NULL,
    granted_by uuid
);

COMMENT ON TABLE public.user_roles IS 'Who holds which role.';

COMMENT ON COLUMN public.user_roles.granted_by IS 'The user who granted it; null for a service account, the command line and usher itself.';

CREATE TABLE public.users (
    id uuid NOT NULL,
    username text NOT NULL,
    username_normal text GENERATED ALWAYS AS (lower(username)) STORED NOT NULL,
    status text NOT NULL,
    status_before_deletion text,
    locked_until timestamp with time zone,
    auth_epoch bigint DEFAULT 1 NOT NULL,
    given_name text,
    family_name text,
    display_name text,
    bio text,
    picture_url text,
    website_url text,
    github_url text,
    linkedin_url text,
    locale text,
    time_zone text,
    professional_at timestamp with time zone,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    last_sign_in_at timestamp with time zone,
    deleted_at timestamp with time zone,
    purge_after timestamp with time zone,
    search_text text GENERATED ALWAYS AS (lower(((((((username || ' '::text) || COALESCE(display_name, ''::text)) || ' '::text) || COALESCE(given_name, ''::text)) || ' '::text) || COALESCE(family_name, ''::text)))) STORED NOT NULL,
    deleted_by uuid,
    CONSTRAINT users_attributes_check CHECK ((jsonb_typeof(attributes) = 'object'::text)),
    CONSTRAINT users_deleted_check CHECK ((((status = 'deleted'::text) = (deleted_at IS NOT NULL)) AND ((status = 'deleted'::text) = (purge_after IS NOT NULL)) AND ((status = 'deleted'::text) = (status_before_deletion IS NOT NULL)))),
    CONSTRAINT users_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'suspended'::text, 'deleted'::text]))),
    CONSTRAINT users_username_check CHECK ((username ~ '^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$'::text))
)
WITH (fillfactor='85');

COMMENT ON TABLE public.users IS 'One row per person.';

COMMENT ON COLUMN public.users.id IS 'UUID version 7, made by usher; never reused.';

COMMENT ON COLUMN public.users.username IS 'Public handle as the person wrote it; safe in a URL.';

COMMENT ON COLUMN public.users.username_normal IS 'Case-folded handle: the unique key.';

COMMENT ON COLUMN public.users.status IS 'pending (address not verified), active, suspended or deleted (in the recycle bin).';

COMMENT ON COLUMN public.users.status_before_deletion IS 'What restore brings back.';

COMMENT ON COLUMN public.users.locked_until IS 'Too many wrong passwords: sign-in is refused until then.';

COMMENT ON COLUMN public.users.auth_epoch IS 'Sessions carry the epoch they began in; raising it ends them all in one statement.';

COMMENT ON COLUMN public.users.attributes IS 'What the deployment wants to know of a person: one JSON object.';

COMMENT ON COLUMN public.users.version IS 'Raised by every change; the entity tag of the resource.';

COMMENT ON COLUMN public.users.purge_after IS 'When the recycle bin forgets the person for good.';

COMMENT ON COLUMN public.users.search_text IS 'What the search `q` looks into beside the addresses.';

COMMENT ON COLUMN public.users.deleted_by IS 'Who put them into the recycle bin: themselves, an administrator, or null for a service account and the operator.';

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (authenticator, subject, device_id);

ALTER TABLE ONLY public.audit_checkpoints
    ADD CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (tree_size);

ALTER TABLE ONLY public.audit_details
    ADD CONSTRAINT audit_details_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_keys
    ADD CONSTRAINT audit_keys_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.audit_leaves
    ADD CONSTRAINT audit_leaves_event_id_key UNIQUE (event_id);

ALTER TABLE ONLY public.audit_leaves
    ADD CONSTRAINT audit_leaves_pkey PRIMARY KEY (leaf_index);

ALTER TABLE ONLY public.audit_unsealed
    ADD CONSTRAINT audit_unsealed_pkey PRIMARY KEY (xid, event_id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.emails
    ADD CONSTRAINT emails_address_key UNIQUE (address_normal);

ALTER TABLE ONLY public.emails
    ADD CONSTRAINT emails_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_unique_key_key UNIQUE (unique_key);

ALTER TABLE ONLY public.mails
    ADD CONSTRAINT mails_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.one_time_tokens
    ADD CONSTRAINT one_time_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.one_time_tokens
    ADD CONSTRAINT one_time_tokens_token_hash_key UNIQUE (purpose, token_hash);

ALTER TABLE ONLY public.password_credentials
    ADD CONSTRAINT password_credentials_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.pending_emails
    ADD CONSTRAINT pending_emails_id_key UNIQUE (id);

ALTER TABLE ONLY public.pending_emails
    ADD CONSTRAINT pending_emails_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.service_accounts
    ADD CONSTRAINT service_accounts_name_key UNIQUE (name);

ALTER TABLE ONLY public.service_accounts
    ADD CONSTRAINT service_accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (kid);

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_pkey PRIMARY KEY (user_id, role_name);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_username_key UNIQUE (username_normal);

CREATE INDEX api_keys_expires_at_idx ON public.api_keys USING btree (expires_at);

CREATE INDEX api_keys_service_account_id_idx ON public.api_keys USING btree (service_account_id, id) WHERE (service_account_id IS NOT NULL);

CREATE INDEX api_keys_user_id_idx ON public.api_keys USING btree (user_id, id) WHERE (user_id IS NOT NULL);

CREATE INDEX attempts_last_attempt_at_idx ON public.attempts USING btree (last_attempt_at);

CREATE INDEX audit_events_action_idx ON public.audit_events USING btree (action, id);

CREATE INDEX audit_events_actor_id_idx ON public.audit_events USING btree (actor_id, id) WHERE (actor_id IS NOT NULL);

CREATE INDEX audit_events_subject_id_idx ON public.audit_events USING btree (subject_id, id) WHERE (subject_id IS NOT NULL);

CREATE INDEX audit_events_target_id_idx ON public.audit_events USING btree (target_id, id) WHERE (target_id IS NOT NULL);

CREATE INDEX devices_user_id_idx ON public.devices USING btree (user_id, last_seen_at);

CREATE INDEX emails_address_normal_idx ON public.emails USING gin (address_normal public.gin_trgm_ops);

CREATE UNIQUE INDEX emails_primary_key ON public.emails USING btree (user_id) WHERE is_primary;

CREATE INDEX emails_user_id_idx ON public.emails USING btree (user_id);

CREATE INDEX idempotency_keys_expires_at_idx ON public.idempotency_keys USING btree (expires_at);

CREATE INDEX jobs_run_at_idx ON public.jobs USING btree (run_at) WHERE (dead_at IS NULL);

CREATE INDEX mails_status_idx ON public.mails USING btree (status, id) WHERE (status <> 'sent'::text);

CREATE INDEX mails_user_id_idx ON public.mails USING btree (user_id);

CREATE INDEX one_time_tokens_expires_at_idx ON public.one_time_tokens USING btree (expires_at);

CREATE INDEX one_time_tokens_user_id_idx ON public.one_time_tokens USING btree (user_id, purpose);

CREATE INDEX rate_limits_filled_until_idx ON public.rate_limits USING btree (filled_until);

CREATE INDEX refresh_tokens_session_id_idx ON public.refresh_tokens USING btree (session_id);

CREATE INDEX sessions_device_id_idx ON public.sessions USING btree (device_id) WHERE (device_id IS NOT NULL);

CREATE INDEX sessions_expires_at_idx ON public.sessions USING btree (expires_at);

CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);

CREATE INDEX user_roles_role_name_idx ON public.user_roles USING btree (role_name, user_id);

CREATE INDEX users_created_at_idx ON public.users USING btree (created_at, id);

CREATE INDEX users_purge_after_idx ON public.users USING btree (purge_after) WHERE (purge_after IS NOT NULL);

CREATE INDEX users_search_text_idx ON public.users USING gin (search_text public.gin_trgm_ops);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON public.audit_details FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_leaves FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER erasable BEFORE DELETE ON public.audit_details FOR EACH ROW EXECUTE FUNCTION public.refuse_erasure_of_the_living();

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_service_account_id_fkey FOREIGN KEY (service_account_id) REFERENCES public.service_accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.emails
    ADD CONSTRAINT emails_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mails
    ADD CONSTRAINT mails_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.one_time_tokens
    ADD CONSTRAINT one_time_tokens_email_id_fkey FOREIGN KEY (email_id) REFERENCES public.emails(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.one_time_tokens
    ADD CONSTRAINT one_time_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.password_credentials
    ADD CONSTRAINT password_credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.pending_emails
    ADD CONSTRAINT pending_emails_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.sessions(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_role_name_fkey FOREIGN KEY (role_name) REFERENCES public.roles(name) ON DELETE RESTRICT;

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


insert into public.refinery_schema_history (version, name, applied_on, checksum) values ('1', 'users', '2026-11-26T00:37:28.054109068Z', '973803502385505541');
insert into public.refinery_schema_history (version, name, applied_on, checksum) values ('2', 'roles', '2026-11-26T00:37:28.088924357Z', '9612386513325875023');
insert into public.refinery_schema_history (version, name, applied_on, checksum) values ('3', 'credentials', '2026-11-26T00:37:28.101680395Z', '17116520435515339215');
insert into public.refinery_schema_history (version, name, applied_on, checksum) values ('4', 'work', '2026-11-26T00:37:28.126393173Z', '4585002305027849083');
insert into public.refinery_schema_history (version, name, applied_on, checksum) values ('5', 'throttling_and_devices', '2026-11-26T00:37:28.147803365Z', '8823817267331386635');
insert into public.refinery_schema_history (version, name, applied_on, checksum) values ('6', 'sealing', '2026-11-26T00:37:28.168227719Z', '11834205509594846330');
insert into public.refinery_schema_history (version, name, applied_on, checksum) values ('7', 'audit_log', '2026-11-26T00:37:28.172140538Z', '8424089628652409821');
insert into public.refinery_schema_history (version, name, applied_on, checksum) values ('8', 'account', '2026-11-26T00:37:28.193348712Z', '15588310555341609317');
insert into public.refinery_schema_history (version, name, applied_on, checksum) values ('9', 'api_keys', '2026-11-26T00:37:28.203123007Z', '10006529760528475543');
