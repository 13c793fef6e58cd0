"""Where each text is shown, or why it is not."""

NAMES = "display_name given_name family_name bio"
URLS = "picture_url website_url github_url linkedin_url"
PROFILE = f"{NAMES} {URLS} attributes"
FRAME = "/account /account/username /account/avatar /account/addresses /account/addresses/new /account/sessions /account/password "
FRAME += "/account/professional /account/second-factors /account/data /account/delete /account/api-keys/new /admin"
USER = "/admin/users/{user} /admin/users/{user}/edit"
ACTS = "/admin/users/{user}/act/suspend /admin/users/{user}/act/delete /admin/users/{user}/roles/grant "
ACTS += "/admin/users/{user}/roles/user/take"
GROUP = "/admin/groups /admin/groups/{group} /admin/groups/{group}/edit /admin/groups/{group}/delete"
BELOW = "/admin/groups/{below} /admin/groups/{below}/parents /admin/users/{user} "
BELOW += "/admin/groups/{group}/members/add /admin/groups/{group}/members/{user}/remove /admin/permissions/system:read"
ROLE = "/admin/roles /admin/roles/{role} /admin/roles/{role}/edit /admin/roles/{role}/delete /admin/groups/{group}/roles "
ROLE += "/admin/users/new /admin/invitations/new /admin/users/{user}/roles/grant"
ACCOUNT = "/admin/service-accounts /admin/service-accounts/{account} /admin/service-accounts/{account}/edit"
RULE = "/admin/inactivity/{rule}"
KEYS = "/admin/service-accounts/{account} /admin/service-accounts/{account}/keys/{key}/revoke"
INVITATION = "/admin/invitations/{invitation}"
REQUEST = "/admin/requests/{request}"
EVENT = "/admin/audit/{event}"
CHANGE = "/admin/changes/{change} " + EVENT
TRAILS = "/admin/changes /admin/audit"
TEXT = "/admin/mails/texts/{name}/en"
OF_ATTRIBUTES = "/account /account/profile /admin/users/{user}/edit /admin/users/new"

# What is shown: of which things, which operation sets which texts of them (or where else they come from), and on which pages they
# are. A page without a name in braces shows all of the things.
SHOWN: dict[str, list[tuple[str, str, str]]] = {
    "setup": [("setup", "display_name", FRAME + " /admin/users/{user} /admin/audit /admin/changes")],
    "users": [
        ("create_user", PROFILE, CHANGE),
        ("update_user", PROFILE, f"{USER} {CHANGE}"),
        ("update_user", "display_name", f"/admin/users /admin/permissions/users:read {ACTS} {TRAILS}"),
        ("update_user", "attributes", "/admin/users?columns=attributes.note"),
        ("X-Reason", "", f"/admin?{{user}} /admin/users/{{user}} {CHANGE} {TRAILS}"),
    ],
    "sign-ups": [("register", f"{NAMES} {URLS}", USER), ("register", "display_name", "/admin/users?status=pending")],
    "acts": [
        ("create_user", "display_name", "/admin/users/{user}/act/restore /admin/recycle-bin"),
        *((f"{act}_user", "reason", "/admin/users/{user}") for act in ("suspend", "reactivate", "sign_out", "unlock", "restore")),
        ("X-Reason", "", "/admin/users/{user}"),
    ],
    "me": [
        ("update_me", PROFILE, "/account /account/profile"),
        ("create_my_api_key", "name", "/account/api-keys /account/activity /admin/users/{user} /admin/users/{user}/api-keys/{key}/revoke"),
    ],
    "groups": [
        ("create_group", "name description", CHANGE),
        ("update_group", "name description", f"{GROUP} {CHANGE}"),
        ("update_group", "name", f"{BELOW} /admin/groups/{{group}}/roles /admin/groups/{{group}}/parents"),
        ("X-Reason", "", CHANGE),
    ],
    "roles": [
        ("create_role", "description", EVENT),
        ("update_role", "description", f"{ROLE} {EVENT}"),
        ("X-Reason", "", EVENT),
    ],
    "service accounts": [
        ("create_service_account", "description", EVENT),
        ("update_service_account", "description", f"{ACCOUNT} {EVENT}"),
        ("create_service_account_key", "name", KEYS),
        ("X-Reason", "", EVENT),
    ],
    "invitations": [
        ("create_invitation", "display_name message", f"{INVITATION} {{link}}"),
        ("create_invitation", "display_name", f"/admin/invitations {INVITATION}/resend {INVITATION}/revoke"),
        ("create_invitation", "forward_to", INVITATION),
        ("create_invitations", "invitations message", "/admin/invitations/{batch}"),
        ("accept_invitation", "display_name", "/admin/invitations/{accepted} /admin/users/{user}"),
        ("X-Reason", "", INVITATION),
    ],
    "requests": [
        ("update_me", "display_name", f"/admin/requests?{{request}} {REQUEST} {REQUEST}/approve {REQUEST}/decline"),
        ("update_me", "bio", REQUEST),
        ("create_my_request", "message", f"{REQUEST} /account/professional?{{request}}"),
        ("decline_request", "reason", "/admin/requests/{declined} /account/professional?{declined}"),
        ("approve_request", "reason", "/admin/requests/{approved} /account/professional?{approved}"),
    ],
    "runs in bulk": [
        ("preview_bulk", "filter", "/admin/bulk/{run} /admin/changes/{run}"),
        ("preview_bulk", "reason", "/admin/bulk/{run} /admin/changes/{run} /admin/users/{user}"),
        ("preview_bulk", "attributes", "/admin/bulk/{run} /admin/changes/{run} /admin/users/{user}"),
        ("undo_change", "reason", "/admin/users/{user} /admin/changes/{undone}"),
    ],
    "imports": [
        ("create_import", "source", "/admin/imports /admin/imports/{import} /admin/imports/{applied}"),
        ("create_import", "map", "/admin/imports/{import} /admin/imports/{applied}"),
        ("a cell", "", "/admin/imports/{import} /admin/changes/{applied} /admin/users/{person}"),
        ("X-Reason", "", "/admin/imports/{import}"),
        ("apply_import", "reason", "/admin/imports /admin/imports/{applied} /admin/changes/{applied}"),
    ],
    "rules on inactivity": [
        ("create_inactivity_rule", "name filter exempt", EVENT),
        ("update_inactivity_rule", "name filter exempt", f"{RULE} {RULE}/edit {EVENT}"),
        ("update_inactivity_rule", "name", f"/admin/inactivity?{{rule}} {RULE}/act/delete"),
        ("X-Reason", "", EVENT),
    ],
    "schema": [
        ("set_attribute_schema", "properties.title", f"{OF_ATTRIBUTES} /admin/bulk/new?user={{user}}"),
        ("set_attribute_schema", "properties.description", "/account/profile"),
        ("set_attribute_schema", "title description", EVENT),
        ("migrate_attributes", "operations.remove", "/admin/audit/{migration}"),
        ("set_attribute_schema", "properties.enum", OF_ATTRIBUTES),
    ],
    "programs": [("User-Agent", "", "/admin/audit/{begun} /admin/audit/{failed}")],
    "mail servers": [("what it says", "", "/admin/mails /admin/mails/{mail}")],
}
# The words of mails, the names of passkeys and branding have tests of their own.
TRIED_BY_THEMSELVES = {
    "edit_mail_text": "text",
    "preview_mail_text": "text",
    "test_mail_text": "text",
    "add_passkey": "name",
    "rename_passkey": "name",
    "choose_branding": "name footer links.label sign_in_text register_text account_text",
}
# What is no free text, and takes none of the payloads.
REFUSED = {
    "setup": "email username",
    "register": "email username locale time_zone",
    "create_user": "email username locale time_zone roles",
    "update_user": "username locale time_zone",
    "update_me": "username locale time_zone",
    "accept_invitation": "username",
    "create_invitation": "email roles delivery",
    "add_my_email": "email",
    "add_user_email": "email",
    "forgot_password": "email",
    "resend_verification": "email",
    "set_user_roles": "roles",
    "grant_user_role": "expires_at",
    "set_group_roles": "roles",
    "set_group_parents": "parents",
    "put_group_member": "expires_at",
    "create_role": "name permissions",
    "update_role": "permissions",
    "create_service_account": "name permissions",
    "update_service_account": "name permissions",
    "create_service_account_key": "permissions expires_at",
    "create_my_api_key": "permissions expires_at",
    "create_my_request": "kind",
    "preview_bulk": "action ids role expires_at",
    "create_inactivity_rule": "action",
    "update_inactivity_rule": "action",
    "rotate_keys": "begin",
    "choose_branding": "color color_dark links.url",
    "set_attribute_schema": "$schema type properties.type properties.format properties.visibility required",
    "migrate_attributes": "operations.rename.from operations.rename.to",
}
# What no page shows, and why.
SHOWN_NOWHERE = {
    "A secret: it is compared, or kept as a hash.": {
        "setup": "token password",
        "register": "password",
        "login": "password device_token",
        "sign_in_with_passkey": "ceremony credential device_token",
        "start_passkey_sign_in": "pending_token",
        "show_second_factor": "pending_token code",
        "reauthenticate": "password code",
        "reauthenticate_with_passkey": "ceremony credential",
        "refresh": "refresh_token",
        "verify_email": "token password new_password",
        "confirm_email": "token",
        "reset_password": "token password",
        "report_sign_in": "token",
        "undo_deletion": "token",
        "accept_invitation": "token password",
        "change_password": "current_password password",
        "check_password": "password",
        "confirm_totp": "code",
        "add_passkey": "ceremony credential",
        "run_bulk": "token",
        "apply_import": "token",
    },
    "It is only looked up or compared.": {
        "login": "identifier",
        "check_password": "email username given_name family_name display_name",
    },
    "It bounds attributes, or names a claim of tokens.": {
        "set_attribute_schema": "properties.pattern properties.claim properties.required",
    },
}


def pages(what: str) -> dict[str, list[str]]:
    """The pages that show something of these things, and what."""
    found: dict[str, list[str]] = {}
    for source, members, places in SHOWN[what]:
        for place in places.split():
            found.setdefault(place, []).extend([f"{source}.{member}" for member in members.split()] or [source])
    return found
