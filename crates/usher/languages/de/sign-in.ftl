sign-in-title = Anmelden
sign-in-button = Anmelden
sign-in-continue = Weiter
sign-in-identifier = E-Mail-Adresse oder Benutzername
sign-in-register = Noch kein Konto? <a href="/register">Jetzt registrieren</a>
sign-in-with-passkey = Mit Passkey anmelden

sign-in-password-title = Ihr Passwort
sign-in-password-heading = Geben Sie Ihr Passwort ein
sign-in-password = Passwort
sign-in-not-you = Nicht Sie?
sign-in-forgot = Passwort vergessen?
sign-in-refused = Adresse oder Benutzername und Passwort passen nicht zusammen, oder das Konto kann nicht benutzt werden.
sign-in-passkey-refused = Dieser Passkey öffnet hier kein Konto, oder es hat zu lange gedauert. Versuchen Sie es noch einmal, oder machen Sie ohne ihn weiter.

sign-in-missing-identifier = Geben Sie Ihre E-Mail-Adresse oder Ihren Benutzernamen ein.
sign-in-missing-password = Geben Sie Ihr Passwort ein.
sign-in-missing-code = Geben Sie Ihren Code ein.
sign-in-subject-identifier = Die Angabe
sign-in-subject-password = Das Passwort
sign-in-subject-code = Der Code

sign-in-over-title = Melden Sie sich neu an
sign-in-over-why = Das hat zu lange gedauert, oder an Ihrem Konto wurde inzwischen etwas geändert.
sign-in-begin-again = Von vorn beginnen
sign-in-code = Code
sign-in-code-title = Ihr Code
sign-in-code-heading = Geben Sie Ihren Code ein
sign-in-code-about = Ihr Passwort stimmt. Jetzt noch die sechs Ziffern, die Ihre Authenticator-App zeigt.
sign-in-code-otherwise = Sie haben Ihre App nicht zur Hand? <a href="{ $address }">Wiederherstellungscode nutzen</a>
sign-in-recovery-code = Wiederherstellungscode
sign-in-recovery-title = Ihr Wiederherstellungscode
sign-in-recovery-heading = Geben Sie einen Wiederherstellungscode ein
sign-in-recovery-about = Einen von denen, die Ihnen beim Einrichten Ihres zweiten Faktors gezeigt wurden. Jeder gilt einmal.
sign-in-recovery-or-app = Sie haben Ihre App doch zur Hand? <a href="{ $address }">Code der App eingeben</a>
sign-in-recovery-or-passkey = Sie haben Ihren Passkey doch zur Hand? <a href="{ $address }">Passkey nutzen</a>
sign-in-passkey-title = Ihr Passkey
sign-in-passkey-heading = Nutzen Sie Ihren Passkey
sign-in-passkey-about = Ihr Passwort stimmt. Jetzt noch einer Ihrer Passkeys.
sign-in-passkey-cannot = Ihr Browser kann hier keine Passkeys nutzen: Er unterstützt sie nicht, oder Skripte sind ausgeschaltet. Ein Wiederherstellungscode geht auch.
sign-in-passkey-otherwise = Sie haben ihn nicht zur Hand? <a href="{ $address }">Wiederherstellungscode nutzen</a>
sign-in-use-passkey = Passkey nutzen
sign-in-trust = { $days ->
    [one] Auf diesem Gerät { $days } Tag lang nicht mehr fragen
   *[other] Auf diesem Gerät { $days } Tage lang nicht mehr fragen
}
sign-in-trust-hint = Nur, wenn es allein Ihres ist. Nach dem Passwort wird immer gefragt.

sign-in-again-title = Bestätigen Sie, dass Sie es sind
sign-in-again-why = Ihre Anmeldung ist eine Weile her. Was Sie vorhaben, verlangt noch einmal Ihr Passwort. Danach geht es dort weiter, wo Sie waren.
sign-in-again-why-both = Ihre Anmeldung ist eine Weile her. Was Sie vorhaben, verlangt noch einmal Ihr Passwort und Ihren zweiten Faktor. Danach geht es dort weiter, wo Sie waren.
sign-in-again-hint = Die sechs Ziffern Ihrer Authenticator-App oder ein Wiederherstellungscode.
sign-in-again-hint-recovery = Einer Ihrer Wiederherstellungscodes.
sign-in-again-button = Bestätigen
sign-in-again-or-passkey = Stattdessen einen Passkey nutzen
sign-in-again-or-back = Ohne Bestätigung zurück
sign-in-again-passkey-title = Mit Passkey bestätigen
sign-in-again-passkey-why = Sie sind als { $name } angemeldet. Was Sie vorhaben, verlangt einen Ihrer Passkeys. Danach geht es dort weiter, wo Sie waren.
sign-in-again-passkey-cannot = Ihr Browser kann hier keine Passkeys nutzen: Er unterstützt sie nicht, oder Skripte sind ausgeschaltet.
sign-in-again-or-password = Stattdessen das Passwort nutzen
