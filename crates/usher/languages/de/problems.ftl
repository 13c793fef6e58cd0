# What refusals say, here and in no English catalogue: English stands where a refusal is made. `title-STATUS` is a status in words,
# `problem-CODE` what a problem says, `fault-CODE` what is wrong with one field, `said-WORDS` what the English says in just these words,
# with `n` for each number. { $number } is the first number of the English, { $permission } its first permission, { $expected } what it
# says must be there; each is `none` where there is none.

title-400 = Fehlerhafte Anfrage
title-401 = Nicht angemeldet
title-403 = Nicht erlaubt
title-404 = Nicht gefunden
title-405 = Methode nicht erlaubt
title-409 = Konflikt
title-412 = Vorbedingung nicht erfüllt
title-413 = Inhalt zu groß
title-414 = Adresse zu lang
title-415 = Format nicht unterstützt
title-421 = Falscher Server
title-422 = Inhalt nicht verarbeitbar
title-429 = Zu viele Anfragen
title-431 = Header zu groß
title-500 = Interner Fehler
title-503 = Nicht verfügbar

problem-active-again = Wer das Konto hat, war nach der Vorschau wieder aktiv.
problem-already-granted = Sie haben es bereits.
problem-already-invited = Diese Adresse hat eine offene Einladung: Senden Sie sie noch einmal, oder widerrufen Sie sie zuerst.
problem-already-requested = Sie haben bereits darum gebeten, und es ist noch nicht entschieden.
problem-attribute-migration-under-way = Attribute werden gerade umbenannt oder entfernt, oder eine Version des Schemas wartet. Versuchen Sie es später wieder.
problem-attribute-schema-violated = Nicht alle Benutzer passen zu diesem Schema: `violating` sagt, wie viele nicht, `offenders` nennt die ersten.
problem-attribute-taken = Jemand anderes hat diesen Wert bereits.
problem-attributes-required = Benutzer brauchen Attribute, die eine Einladung nicht vergibt: Legen Sie den Benutzer an.
problem-avatars-not-kept = Dieser Server bewahrt keine Bilder auf.
problem-body-too-large = Was gesendet wurde, ist zu groß.
problem-changed-meanwhile = Jemand hat diesen Benutzer geändert, seit das Formular angezeigt wurde. Sehen Sie nach, was jetzt dort steht, und ändern Sie es dann noch einmal.
problem-cross-site-request = Diese Anfrage kam von einer anderen Website.
problem-database-unavailable = Die Datenbank ist nicht erreichbar. Versuchen Sie es gleich wieder.
problem-email-taken = Diese Adresse gehört bereits zu einem Konto.
problem-forbidden = { $permission ->
    [none] Das ist Ihnen nicht erlaubt.
   *[other] Dazu fehlt Ihnen das Recht { $permission }.
}
problem-form-outdated = Es wurde angezeigt, bevor sich jemand an- oder abgemeldet hat, oder Ihr Browser hat das zugehörige Cookie nicht gesendet. Erlauben Sie Cookies für diese Website, öffnen Sie die Seite noch einmal, und senden Sie das Formular von dort.
problem-fresh-authentication-required = Dazu müssen Sie sich erneut ausweisen: `POST /v1/reauthenticate`, danach mit dem neuen Token noch einmal.
problem-grant-exceeds-caller = Niemand kann Rechte geben, nehmen oder ändern, die er selbst nicht hat.
problem-grant-exceeds-holder = Der Schlüssel hätte Rechte, die sein Dienstkonto nicht hat.
problem-group-circle = Eine dieser Gruppen ist die Gruppe selbst oder steht unter ihr.
problem-group-in-use = Die Gruppe hat Mitglieder oder steht über einer anderen: Lösen Sie das zuerst.
problem-group-name-taken = Es gibt bereits eine Gruppe mit diesem Namen.
problem-groups-too-deep = { $number ->
    [none] Es stünden zu viele Gruppen übereinander.
   *[other] Es stünden mehr als { $number } Gruppen übereinander.
}
problem-headers-too-large = Die Header der Anfrage sind größer als 16 KiB oder mehr als 100.
problem-history-unknown = Wie der Benutzer damals war, ist nicht mehr bekannt.
problem-idempotency-key-in-flight = Eine Anfrage mit diesem Schlüssel wird gerade bearbeitet. Versuchen Sie es gleich wieder.
problem-idempotency-key-reused = Dieser Schlüssel gehört zu einer Anfrage mit anderem Inhalt: Nehmen Sie einen neuen.
problem-image-too-large = Das Bild hat zu viele Pixel: höchstens 25 Megapixel, und 16384 Pixel an einer Seite. Machen Sie es kleiner.
problem-image-too-small = { $number ->
    [none] Das Bild ist zu klein.
   *[other] Das Bild ist zu klein: Es braucht { $number } Pixel an jeder Seite.
}
problem-in-the-past = Was vergeben würde, hätte inzwischen geendet.
problem-internal = Der Server hat einen Fehler. In seinem Protokoll steht er unter der Nummer der Anfrage.
problem-invalid-body = Der Inhalt der Anfrage passt nicht; `errors` sagt, wo und warum.
problem-invalid-columns = Die Spalten der Datei passen nicht; `errors` sagt, welche.
problem-invalid-credentials = Adresse oder Benutzername und Passwort passen nicht zusammen, oder das Konto kann nicht benutzt werden.
problem-invalid-image = Das ist kein Bild in PNG, JPEG oder WebP, oder es ist beschädigt. Speichern Sie es in einem dieser Formate, und senden Sie es noch einmal.
problem-invalid-query = Die Abfrage in der Adresse passt nicht; `errors` sagt, wo und warum.
problem-invalid-refresh-token = Dieses Aktualisierungstoken gilt nicht: Melden Sie sich noch einmal an.
problem-invalid-state = In seinem jetzigen Zustand geht das nicht.
problem-invalid-token = Dieses Token ist unbekannt, wurde schon benutzt oder ist abgelaufen. Fordern Sie ein neues an.
problem-invitation-quota = Sie haben so viele Einladungen gesendet, wie an einem Tag möglich sind. Warten Sie so lange, wie `Retry-After` sagt.
problem-last-admin = Danach gäbe es niemanden mehr, der die Administration auf Dauer übernimmt.
problem-malformed-json = Der Inhalt der Anfrage ist kein gültiges JSON.
problem-malformed-request = Die Anfrage ist nicht zu lesen, oder sie passt nicht zu dieser Adresse.
problem-method-not-allowed = Diese Adresse nimmt diese Methode nicht an; `Allow` nennt die, die sie annimmt.
problem-misdirected-request = Dieser Server antwortet nicht für den Host, den die Anfrage nennt.
problem-new-password-required = Es waren zu viele falsche Passwörter: Mit diesem Link können Sie nur noch ein neues wählen.
problem-no-address = Der Benutzer hat keine bestätigte Adresse und kann nicht gewarnt werden.
problem-no-smtp-server = Es gibt keinen SMTP-Server, der es senden könnte: Setzen Sie USHER_SMTP_URL.
problem-not-found = Unter dieser Adresse gibt es nichts.
problem-not-offered = Das kann man hier nicht anfragen. Wenden Sie sich an Ihre Administration.
problem-not-undoable = Das kann nicht rückgängig gemacht werden.
problem-overloaded = Gerade ist zu viel zu tun. Versuchen Sie es gleich wieder.
problem-own-second-factors = Niemand setzt die eigenen zweiten Faktoren zurück.
problem-passkey-ceremony-over = Das hat zu lange gedauert oder wurde zweimal gesendet. Versuchen Sie es noch einmal.
problem-passkey-taken = Dieser Passkey ist bereits registriert.
problem-passkeys-unavailable = Passkeys brauchen einen Namen in der öffentlichen Adresse, und https. Beides zusammen hat diese Website nicht.
problem-precondition-failed = Die Ressource hat sich geändert, seit Sie sie gelesen haben: Lesen Sie sie neu, und versuchen Sie es noch einmal.
problem-preview-outdated = Die Vorschau ist älter als eine Stunde, oder es ist nicht die, die Sie gesehen haben. Wählen Sie die Benutzer noch einmal.
problem-profile-incomplete = Füllen Sie zuerst Ihr Profil aus: `missing` nennt, was fehlt.
problem-registration-closed = Hier kann man sich nicht selbst registrieren.
problem-repeated-cookie = Ihr Browser hat zwei Cookies mit demselben Namen gesendet. Löschen Sie die Cookies dieser Website, und öffnen Sie dann die Seite noch einmal.
problem-role-built-in = Von den eingebauten Rollen kann nur `second_factor` geändert werden. Legen Sie eine eigene Rolle an.
problem-role-in-use = Jemand hat diese Rolle, oder eine Gruppe trägt sie. Nehmen Sie sie dort zuerst weg.
problem-role-name-taken = Es gibt bereits eine Rolle mit diesem Namen.
problem-rule-name-taken = Es gibt bereits eine Regel mit diesem Namen.
problem-second-factor-bound = Es ist bereits eine Authenticator-App eingerichtet: Entfernen Sie sie zuerst.
problem-second-factor-not-bound = Es ist keine Authenticator-App eingerichtet.
problem-second-factor-not-started = Es wartet keine Authenticator-App auf ihre Bestätigung: Beginnen Sie noch einmal.
problem-second-factor-required = Sie brauchen einen zweiten Faktor.
problem-service-account-name-taken = Es gibt bereits ein Dienstkonto mit diesem Namen.
problem-session-required = Das darf nur, wer sich selbst angemeldet hat; ein API-Schlüssel darf es nicht.
problem-setup-done = Die Administration ist bereits eingerichtet: Melden Sie sich an.
problem-sign-in-over = Diese Anmeldung ist unbekannt, wurde schon benutzt oder hat zu lange gedauert. Beginnen Sie noch einmal mit dem Passwort.
problem-stopping = Dieser Prozess hört gleich auf.
problem-storage-unavailable = Der Speicher der Bilder antwortet nicht. Versuchen Sie es gleich wieder.
problem-target-outranks-caller = Dieses Konto hat Rechte, die Ihnen fehlen.
problem-too-many-api-keys = { $number ->
    [none] Es gibt bereits zu viele Schlüssel: Widerrufen Sie zuerst einen.
   *[other] Es gibt bereits { $number } Schlüssel: Widerrufen Sie zuerst einen.
}
problem-too-many-emails = { $number ->
    [none] Es gibt bereits zu viele Adressen: Entfernen Sie zuerst eine.
   *[other] Es gibt bereits { $number } Adressen: Entfernen Sie zuerst eine.
}
problem-too-many-groups = Es gibt bereits zu viele Gruppen, oder der Benutzer ist schon in zu vielen: Entfernen Sie zuerst etwas davon.
problem-too-many-passkeys = { $number ->
    [none] Sie haben bereits zu viele Passkeys: Entfernen Sie zuerst einen.
   *[other] Sie haben bereits { $number } Passkeys: Entfernen Sie zuerst einen.
}
problem-too-many-requests = Es waren zu viele Versuche. Warten Sie so lange, wie `Retry-After` sagt, und versuchen Sie es dann wieder.
problem-too-many-roles = { $number ->
    [none] Der Benutzer hat bereits zu viele Rollen: Nehmen Sie zuerst eine weg.
   *[other] Der Benutzer hat bereits { $number } Rollen: Nehmen Sie zuerst eine weg.
}
problem-too-many-rules = { $number ->
    [none] Es gibt bereits zu viele Regeln: Löschen Sie zuerst eine.
   *[other] Es gibt bereits { $number } Regeln: Löschen Sie zuerst eine.
}
problem-too-much-to-count = Das Zählen hat zu lange gedauert. Wählen Sie einen kürzeren Zeitraum.
problem-unauthorized = Senden Sie ein gültiges Zugriffstoken oder einen gültigen API-Schlüssel: `Authorization: Bearer <token>`.
problem-unavailable = Dieses Passwort kann gerade nicht geprüft werden.
problem-undo-conflict = Etwas davon wurde seither geändert oder kann nicht zurückgeändert werden.
problem-unreadable-file = Die Datei ist nicht zu lesen.
problem-unsupported-media-type = In diesem Format wird hier nichts angenommen.
problem-uri-too-long = Die Adresse der Anfrage ist länger als 8 KiB.
problem-username-taken = Jemand anderes hat diesen Benutzernamen.
problem-wrong-code = Dieser Code ist falsch, wurde schon benutzt oder gilt nicht mehr.
problem-wrong-passkey = Was der Authenticator geantwortet hat, passt nicht.
problem-wrong-password = Das ist nicht Ihr jetziges Passwort.

fault-after-to = Der Beginn darf nicht nach dem Ende liegen.
fault-changed-since = Das wurde seither geändert.
fault-columns = Die Zeile hat nicht so viele Zellen, wie der Kopf Spalten hat.
fault-duplicate = Das unterscheidet sich von einem anderen Namen nur in der Groß- und Kleinschreibung.
fault-duplicate-in-file = { $number ->
    [none] Eine andere Zeile der Datei sagt dasselbe.
   *[other] Zeile { $number } der Datei sagt dasselbe.
}
fault-email-differs = Das ist keine Adresse dieses Benutzers: Ein Import ändert keine Adressen vorhandener Benutzer.
fault-enum = { $expected ->
    [none] Das ist keine der Möglichkeiten.
   *[other] Möglich ist hier: { $expected }.
}
fault-format = Das hat nicht die verlangte Form.
fault-id-taken = Diese ID gehört bereits zu einem anderen Benutzer.
fault-in-the-past = Die Zeit muss in der Zukunft liegen.
fault-inconsistent = Das passt nicht zu dem, was die Zeile sonst sagt.
fault-invalid = Das passt hier nicht.
fault-invalid-filter = { $number ->
    [none] Der Filter passt nicht.
   *[other] Der Filter passt ab Spalte { $number } nicht.
}
fault-length = Das ist zu kurz oder zu lang.
fault-low-contrast = Der Kontrast erreicht nur { $number }:1. Lesbar ist es ab 4,5:1 (WCAG 2.2, 1.4.3): Wählen Sie eine Farbe, die sich besser abhebt.
fault-max-bytes = { $number ->
    [none] Das ist zu groß.
   *[other] Das ist zu groß: höchstens { $number } Bytes.
}
fault-max-columns = { $number ->
    [none] Die Datei hat zu viele Spalten.
   *[other] Die Datei hat mehr als { $number } Spalten.
}
fault-max-items = { $number ->
    [none] Das sind zu viele Einträge.
    [one] Höchstens { $number } Eintrag ist möglich.
   *[other] Höchstens { $number } Einträge sind möglich.
}
fault-max-length = { $number ->
    [none] Das ist zu lang.
   *[other] Das ist zu lang: höchstens { $number } Zeichen.
}
fault-max-properties = { $number ->
    [none] Das sind zu viele Angaben.
    [one] Höchstens { $number } Angabe ist möglich.
   *[other] Höchstens { $number } Angaben sind möglich.
}
fault-maximum = { $number ->
    [none] Das ist zu viel.
   *[other] Das ist zu viel: Die Grenze ist { $number }.
}
fault-min-items = { $number ->
    [none] Das sind zu wenige Einträge.
    [one] Mindestens { $number } Eintrag ist nötig.
   *[other] Mindestens { $number } Einträge sind nötig.
}
fault-min-length = { $number ->
    [none] Das ist zu kurz.
   *[other] Das ist zu kurz: mindestens { $number } Zeichen.
}
fault-min-properties = { $number ->
    [none] Das sind zu wenige Angaben.
    [one] Mindestens { $number } Angabe ist nötig.
   *[other] Mindestens { $number } Angaben sind nötig.
}
fault-minimum = { $number ->
    [none] Das ist zu wenig.
   *[other] Das ist zu wenig: Die Grenze ist { $number }.
}
fault-multiple-of = { $number ->
    [none] Das ist kein passendes Vielfaches.
   *[other] Das muss ein Vielfaches von { $number } sein.
}
fault-name = So kann kein Attribut heißen: Ein Name beginnt mit einem Buchstaben, besteht aus Buchstaben, Ziffern und Unterstrichen und hat höchstens 63 Zeichen.
fault-no-columns = Die Datei hat keine Spalte, die ein Feld eines Benutzers ist.
fault-not-allowed = Das ist hier nicht erlaubt.
fault-not-utf8 = Der Text ist nicht UTF-8.
fault-out-of-range = Das liegt außerhalb des Möglichen.
fault-password-breached = Dieses Passwort steht in Listen gestohlener Passwörter. Wählen Sie ein anderes.
fault-password-common = Dieses Passwort gehört zu denen, die als Erstes probiert werden. Wählen Sie ein anderes.
fault-password-context = Das Passwort besteht aus dem Namen dieses Dienstes oder aus Ihrem Namen oder Ihrer Adresse. Wählen Sie ein anderes.
fault-password-too-long = { $number ->
    [none] Das Passwort ist zu lang.
   *[other] Das Passwort ist zu lang: höchstens { $number } Bytes.
}
fault-password-too-short = { $number ->
    [none] Das Passwort ist zu kurz.
   *[other] Das Passwort ist zu kurz: mindestens { $number } Zeichen. Ein paar Wörter ohne Zusammenhang eignen sich gut.
}
fault-pattern = { $expected ->
    [none] Das hat nicht die verlangte Form.
   *[other] Das muss diesem Muster entsprechen: { $expected }
}
fault-repeated = Das ist mehr als einmal angegeben.
fault-repeated-column = Eine Spalte ist ein Feld, das es schon gibt.
fault-required = Diese Angabe fehlt.
fault-too-deep = { $number ->
    [none] Das ist zu tief verschachtelt.
   *[other] Das ist tiefer als { $number } Ebenen verschachtelt.
}
fault-too-late = { $number ->
    [none] Das ist zu spät.
    [one] Das ist zu spät: höchstens { $number } Tag ab jetzt.
   *[other] Das ist zu spät: höchstens { $number } Tage ab jetzt.
}
fault-too-long = { $number ->
    [none] Der Zeitraum ist zu lang.
    [one] Der Zeitraum ist zu lang: höchstens { $number } Tag.
   *[other] Der Zeitraum ist zu lang: höchstens { $number } Tage.
}
fault-too-many-periods = { $number ->
    [none] Das sind zu viele Abschnitte: Wählen Sie einen kürzeren Zeitraum.
   *[other] Eine Antwort hat höchstens { $number } Abschnitte: Wählen Sie einen kürzeren Zeitraum, oder `by=week`.
}
fault-too-many-users = { $number ->
    [none] Das sind zu viele Benutzer: Schränken Sie es ein.
   *[other] Das sind mehr als { $number } Benutzer: Schränken Sie es ein.
}
fault-type = { $expected ->
    [none] Das ist nicht von der verlangten Art.
   *[other] Das ist nicht von der verlangten Art: { $expected }.
}
fault-unexpected = Das gehört nicht hierher.
fault-unique-items = Kein Eintrag darf zweimal vorkommen.
fault-unknown-column = Eine Spalte ist unbekannt: Ordnen Sie sie einem Feld zu, oder lassen Sie sie weg.
fault-unknown-field = Das ist unbekannt oder kann hier nicht gesetzt werden.
fault-unknown-group = Es gibt keine solche Gruppe.
fault-unknown-parameter = Dieser Parameter ist hier unbekannt.
fault-unknown-role = Es gibt keine solche Rolle.
fault-unusable-hash = Dieser Passwort-Hash lässt sich nicht verwenden.
fault-user-exists = Diesen Benutzer gibt es schon; `upsert` würde ihn ändern.

said-a-group-that-it-was-below-has-been-deleted = Eine Gruppe, unter der sie stand, wurde gelöscht.
said-a-link-that-was-mailed-can-t-be-taken-back-it-ends-with-its-time-or-when-another-one-is-mailed = Ein Link, der gesendet wurde, kann nicht zurückgenommen werden: Er endet mit seiner Zeit, oder wenn ein neuer gesendet wird.
said-a-lock-that-was-lifted-does-not-come-back-suspend-the-user-to-keep-them-out = Eine Anmeldesperre, die aufgehoben wurde, kommt nicht wieder: Sperren Sie den Benutzer, wenn er nicht hineinkommen soll.
said-a-logo-that-was-replaced-is-not-kept-upload-the-one-that-shall-be-there-or-remove-it = Ein Logo, das ersetzt wurde, wird nicht aufbewahrt: Laden Sie das gewünschte hoch, oder entfernen Sie es.
said-a-mail-that-was-sent-can-t-be-taken-back = Eine Mail, die gesendet wurde, kann nicht zurückgenommen werden.
said-a-name-that-was-removed-and-given-to-another-attribute-too-is-undone-by-hand = Bei einem Namen, der entfernt und auch einem anderen Attribut gegeben wurde, geht das nur von Hand.
said-a-picture-that-was-replaced-is-not-kept-upload-the-one-that-shall-be-there-or-remove-it = Ein Bild, das ersetzt wurde, wird nicht aufbewahrt: Laden Sie das gewünschte hoch, oder entfernen Sie es.
said-a-role-that-it-carried-has-been-deleted = Eine Rolle, die sie trug, wurde gelöscht.
said-a-second-factor-that-was-removed-does-not-come-back-the-person-binds-another-one = Ein entfernter zweiter Faktor kommt nicht wieder: Die Person richtet einen neuen ein.
said-a-warning-that-was-mailed-can-t-be-taken-back = Eine Warnung, die gesendet wurde, kann nicht zurückgenommen werden.
said-addresses-are-added-and-removed-by-hand-who-owns-one-may-have-changed = Adressen werden von Hand hinzugefügt und entfernt: Sie können inzwischen jemand anderem gehören.
said-an-address-is-asked-for-again-by-hand-who-reads-its-mail-confirms-it = Eine Adresse wird von Hand neu angefragt: Wer ihre Mails liest, bestätigt sie.
said-an-address-that-waits-to-be-confirmed-is-taken-back-by-hand = Eine Adresse, die auf ihre Bestätigung wartet, wird von Hand zurückgenommen.
said-an-address-that-was-verified-stays-so = Eine Adresse, die bestätigt wurde, bleibt es.
said-an-api-key-that-was-made-is-in-somebody-s-hands-revoke-it = Ein API-Schlüssel ist bereits in jemandes Händen: Widerrufen Sie ihn.
said-an-api-key-that-was-revoked-opens-nothing-any-more-make-another-one = Ein widerrufener API-Schlüssel öffnet nichts mehr: Machen Sie einen neuen.
said-an-attribute-that-was-renamed-is-renamed-back-for-all-undo-the-change-that-this-belongs-to = Ein umbenanntes Attribut wird für alle zurückbenannt: Machen Sie die Änderung rückgängig, zu der dies gehört.
said-an-invitation-is-taken-back-by-hand-revoke-it = Eine Einladung wird von Hand zurückgenommen: Widerrufen Sie sie.
said-at-most-n-properties-can-be-searchable-or-unique = Höchstens { $number } Attribute können suchbar oder eindeutig sein.
said-belongs-to-another-property-already = Ein anderes Attribut hat diesen Claim bereits.
said-belongs-to-another-sort-begin-again-without-it = Das gehört zu einer anderen Reihenfolge (`sort`): Beginnen Sie ohne es.
said-choose-a-role = Wählen Sie eine Rolle.
said-differs-from-another-name-in-case-only = Es gibt schon einen Namen, der sich nur durch Groß- und Kleinschreibung unterscheidet.
said-has-a-meaning-by-a-standard-or-in-usher-s-own-tokens-choose-another-name = Dieser Name hat in einem Standard oder in den Tokens von usher schon eine Bedeutung: Wählen Sie einen anderen.
said-is-an-attribute-that-users-have-already-remove-that-one-first = Benutzer haben bereits ein Attribut dieses Namens: Entfernen Sie es zuerst.
said-is-for-texts-and-numbers = Das geht nur bei Texten und Zahlen.
said-is-for-texts-numbers-booleans-and-arrays-of-strings = Das geht nur bei Texten, Zahlen, Ja oder Nein und Listen von Texten.
said-is-for-what-the-person-sees-set-visibility-to-self-or-public = Das geht nur, wenn die Person es sieht: Ändern Sie, wer es sieht.
said-is-more-than-there-can-be = Das ist mehr, als es geben kann.
said-is-no-property-of-the-schema = Das Schema hat kein solches Attribut.
said-is-not-a-cursor-of-this-list-begin-again-without-it = Das ist keine Stelle dieser Liste: Beginnen Sie ohne sie.
said-is-the-name-of-a-property-already = Ein Attribut heißt bereits so.
said-is-unique-which-the-old-index-keeps-set-it-to-unique-false-first = Es ist eindeutig, und dafür sorgt der alte Index: Heben Sie das zuerst auf.
said-it-can-t-be-done = Das geht nicht.
said-it-does-not-become-required-again-make-it-so-when-all-users-have-it = Es wird nicht wieder erforderlich: Legen Sie das fest, wenn alle Benutzer es haben.
said-it-has-api-keys-by-now-revoke-them-first = Es hat inzwischen API-Schlüssel: Widerrufen Sie diese zuerst.
said-it-has-been-begun-already = Das hat bereits begonnen.
said-it-has-been-changed-since = Es wurde seither geändert.
said-it-has-been-decided-or-withdrawn-already = Darüber ist bereits entschieden, oder die Anfrage wurde zurückgezogen.
said-it-has-been-deleted = Es wurde gelöscht.
said-it-has-been-removed-or-renamed-since = Es wurde seither entfernt oder umbenannt.
said-it-is-being-undone-already = Das wird bereits rückgängig gemacht.
said-it-is-unique-by-now-set-it-to-unique-false-first = Es ist inzwischen eindeutig: Heben Sie das zuerst auf.
said-it-was-removed-together-with-a-rename-undo-the-rename-with-skip-conflicts-and-this-change-once-more-when-all-users-have-been-moved = Es wurde zusammen mit einer Umbenennung entfernt: Machen Sie zuerst die Umbenennung rückgängig, ohne die Konflikte, und diese Änderung noch einmal, wenn alle Benutzer umgestellt sind.
said-it-would-give-or-take-a-role-that-the-preview-did-not-tell-of-import-the-file-again = Die Zeile gäbe oder nähme eine Rolle, von der die Vorschau nichts gesagt hat: Importieren Sie die Datei noch einmal.
said-its-details-were-erased-with-a-person-who-was-purged = Die Einzelheiten wurden zusammen mit einer Person endgültig gelöscht.
said-its-former-name-belongs-to-another-property-by-now = Seinen früheren Namen hat inzwischen ein anderes Attribut.
said-its-rows-are-still-being-judged-ask-again-in-a-moment = Die Zeilen werden noch geprüft: Fragen Sie gleich wieder.
said-must-be-a-colour-such-as-0b5f66 = Geben Sie eine Farbe an, etwa #0b5f66.
said-must-be-a-day-of-the-years-n-to-n = Das muss ein Tag der Jahre 2000 bis 2999 sein.
said-must-be-a-regular-expression-without-look-around-and-back-references-and-not-too-large = Das muss ein regulärer Ausdruck sein, ohne Blick voraus oder zurück und ohne Rückverweise, und nicht zu groß.
said-must-be-a-time-such-as-n-n-02t03-n-05z = Das muss eine Zeit sein, etwa 2026-01-02T03:04:05Z.
said-must-be-a-time-zone-of-the-iana-database-such-as-europe-vienna = Geben Sie eine Zeitzone der IANA-Datenbank an, etwa Europe/Vienna.
said-must-be-a-url-that-begins-with-https-or-http-without-a-user-name-or-password = Geben Sie eine Adresse an, die mit https:// oder http:// beginnt, ohne Benutzernamen und Passwort.
said-must-be-an-e-mail-address-such-as-ann-example-com = Geben Sie eine E-Mail-Adresse an, etwa anna@example.com.
said-must-be-an-https-or-mailto-address = Geben Sie eine Adresse mit https:// oder mailto: an.
said-must-be-greater-than-n = Das muss größer als 0 sein.
said-must-be-left-out-here-a-link-is-for-one-invitation = Das geht hier nicht: Ein Link ist für eine einzelne Einladung.
said-must-be-n-at-most-for-a-text-that-is-searchable-or-unique = Ein suchbarer oder eindeutiger Text hat höchstens 500 Zeichen: Geben Sie das als größte Länge an.
said-must-be-n-to-n-letters-digits-and-characters-of = Nötig sind 1 bis 100 Buchstaben, Ziffern und Zeichen aus _ . : / -
said-must-be-n-to-n-letters-digits-and-underscores-beginning-with-a-letter = Ein Name beginnt mit einem Buchstaben, besteht aus Buchstaben, Ziffern und Unterstrichen und hat höchstens 63 Zeichen.
said-must-be-on-a-site-that-usher-invitation-forward-to-names = Die Adresse muss zu einer Website gehören, die USHER_INVITATION_FORWARD_TO nennt.
said-must-be-the-name-of-one-of-the-properties-once = Das muss der Name eines der Attribute sein, und nur einmal.
said-must-fit-the-other-keywords-and-be-there-once = Jede Möglichkeit muss zu den anderen Angaben passen und darf nur einmal vorkommen.
said-must-have-a-valid-domain-after-the = Nach dem @ muss ein gültiger Domainname stehen.
said-must-have-at-most-n-bytes-and-no-spaces-or-control-characters = Die Adresse hat höchstens { $number } Bytes und weder Leerzeichen noch Steuerzeichen.
said-must-have-at-most-n-characters-in-its-normal-form = Das ist zu lang: in seiner Normalform höchstens { $number } Zeichen.
said-must-have-n-to-n-characters = Nötig sind 1 bis 100 Zeichen.
said-must-have-n-to-n-letters-digits-dots-dashes-or-underscores = Ein Benutzername hat 3 bis 64 Zeichen: Buchstaben, Ziffern, Punkte, Bindestriche oder Unterstriche.
said-must-have-visible-characters-and-no-control-characters = Nötig sind sichtbare Zeichen, und Steuerzeichen sind nicht erlaubt.
said-must-not-contain-control-characters-but-line-breaks-and-tabs = Außer Zeilenumbrüchen und Tabulatoren sind keine Steuerzeichen erlaubt.
said-must-not-contain-the-character-u-n = Das Zeichen U+0000 ist nicht erlaubt.
said-no-mail-can-be-made-from-that-text-any-more-edit-it-by-hand = Aus diesem Text lässt sich keine Mail mehr machen: Bearbeiten Sie ihn von Hand.
said-one-of-these-roles-has-just-been-deleted = Eine dieser Rollen wurde gerade gelöscht.
said-only-a-paused-run-can-go-on = Nur ein Lauf, der angehalten wurde, kann weitergehen.
said-only-a-run-that-is-going-on-can-be-paused = Nur ein laufender Lauf kann angehalten werden.
said-only-properties-at-the-top-can-be-searchable-unique-selfeditable-visible-pii-or-a-claim = Nur Attribute der obersten Ebene können searchable, unique, selfEditable, sichtbar, pii oder ein Claim sein.
said-password-hashes-are-exported-for-administrators-only = Passwort-Hashes werden nur für die Administration exportiert.
said-says-nothing-for-this-type-or-not-beside-the-format-date-time-leave-it-out = Für diese Art von Wert sagt das nichts: Lassen Sie es weg.
said-sessions-and-api-keys-that-were-ended-do-not-come-back-the-person-signs-in-again-and-makes-new-keys = Beendete Sitzungen und API-Schlüssel kommen nicht wieder: Die Person meldet sich neu an und macht neue Schlüssel.
said-several-users-have-the-same-value = Mehrere Benutzer haben denselben Wert.
said-somebody-else-has-the-same-value = Jemand anderes hat denselben Wert.
said-somebody-else-has-to-decide-on-what-you-ask-for-yourself = Über das, worum Sie selbst bitten, muss jemand anderes entscheiden.
said-something-was-changed-since-or-can-t-be-changed-back = Etwas wurde seither geändert oder kann nicht zurückgeändert werden.
said-the-address-that-was-the-primary-one-is-no-verified-one-of-the-user-any-more-add-it-again-first = Die frühere Hauptadresse gehört nicht mehr bestätigt zu diesem Benutzer: Fügen Sie sie zuerst wieder hinzu.
said-the-form-does-not-fit-this-page-open-the-page-again = Das Formular passt nicht zu dieser Seite. Öffnen Sie die Seite noch einmal.
said-the-grants-of-this-preview-would-have-ended-by-now-make-another = Was nach dieser Vorschau vergeben würde, hätte inzwischen geendet: Machen Sie eine neue.
said-the-link-of-an-invitation-that-was-revoked-is-dead-invite-them-again = Der Link einer widerrufenen Einladung ist tot: Laden Sie die Person neu ein.
said-the-passkey-was-known-but-its-answer-did-not-fit = Der Passkey war bekannt, aber seine Antwort passte nicht.
said-the-passkey-was-right-but-the-user-has-not-verified-their-address-yet = Der Passkey war richtig, aber der Benutzer hat seine Adresse noch nicht bestätigt.
said-the-passkey-was-right-but-the-user-is-deleted = Der Passkey war richtig, aber der Benutzer ist gelöscht.
said-the-passkey-was-right-but-the-user-is-suspended = Der Passkey war richtig, aber der Benutzer ist gesperrt.
said-the-passkey-was-right-but-the-user-may-not-sign-in = Der Passkey war richtig, aber der Benutzer darf sich nicht anmelden.
said-the-passkey-was-right-but-too-many-wrong-passwords-have-locked-the-account-for-unknown-devices = Der Passkey war richtig, aber zu viele falsche Passwörter haben das Konto für unbekannte Geräte gesperrt.
said-the-password-was-changed-while-it-was-being-verified = Das Passwort wurde geändert, während es geprüft wurde.
said-the-password-was-right-and-the-second-factor-was-asked-for-none-has-been-shown = Das Passwort war richtig, und nach dem zweiten Faktor wurde gefragt: Gezeigt wurde keiner.
said-the-password-was-right-but-the-code-of-the-second-factor-was-not = Das Passwort war richtig, aber der Code des zweiten Faktors nicht.
said-the-password-was-right-but-the-passkey-that-was-shown-then-did-not-fit = Das Passwort war richtig, aber der Passkey, der danach gezeigt wurde, hat nicht gepasst.
said-the-password-was-right-but-the-primary-address-is-not-verified = Das Passwort war richtig, aber die Hauptadresse ist nicht bestätigt.
said-the-password-was-right-but-the-user-has-not-verified-their-address-yet = Das Passwort war richtig, aber der Benutzer hat seine Adresse noch nicht bestätigt.
said-the-password-was-right-but-the-user-is-deleted = Das Passwort war richtig, aber der Benutzer ist gelöscht.
said-the-password-was-right-but-the-user-is-suspended = Das Passwort war richtig, aber der Benutzer ist gesperrt.
said-the-password-was-right-but-the-user-may-not-sign-in = Das Passwort war richtig, aber der Benutzer darf sich nicht anmelden.
said-the-password-was-right-but-too-many-wrong-codes-came-before-nobody-looked-at-this-one = Das Passwort war richtig, aber zuvor kamen zu viele falsche Codes; diesen hat niemand angesehen.
said-the-password-was-wrong = Das Passwort war falsch.
said-the-query-string-is-not-well-formed = Die Abfrage in der Adresse ist nicht zu lesen.
said-the-request-body-ended-before-its-time = Der Inhalt der Anfrage hörte zu früh auf.
said-the-request-names-more-than-one-host = Die Anfrage nennt mehr als einen Host.
said-the-rule-can-t-be-written-as-it-was-any-more-such-as-for-an-attribute-that-is-gone-write-it-by-hand = Die Regel lässt sich nicht mehr so schreiben, wie sie war, etwa weil ein Attribut weg ist: Schreiben Sie sie von Hand.
said-the-schema-does-not-allow-the-attribute-put-it-back-there-and-undo-this-when-that-is-in-force = Das Schema erlaubt das Attribut nicht: Nehmen Sie es wieder auf, und machen Sie dies rückgängig, wenn das in Kraft ist.
said-the-server-failed-its-log-says-why = Der Server hat einen Fehler gemacht; sein Log sagt, warum.
said-the-user-has-been-purged = Der Benutzer wurde endgültig gelöscht.
said-the-user-has-no-password-they-have-never-chosen-one = Der Benutzer hat kein Passwort: Er hat nie eines gewählt.
said-the-user-holds-permissions-that-you-lack = Der Benutzer hat Rechte, die Ihnen fehlen.
said-the-user-is-deleted-restore-them-first = Der Benutzer ist gelöscht: Stellen Sie ihn zuerst wieder her.
said-the-user-is-in-the-recycle-bin-restore-them-first = Der Benutzer ist im Papierkorb: Stellen Sie ihn zuerst wieder her.
said-the-user-is-not-in-a-state-that-allows-it = Der Stand des Benutzers lässt das nicht zu.
said-the-user-is-suspended-or-deleted-reactivate-or-restore-them-first = Der Benutzer ist gesperrt oder gelöscht: Heben Sie das zuerst auf.
said-there-is-no-such-user = Diesen Benutzer gibt es nicht.
said-there-is-nothing-in-it-that-can-be-changed-back = Darin gibt es nichts zurückzuändern.
said-they-signed-in = Angemeldet.
said-they-signed-in-with-a-passkey = Angemeldet mit einem Passkey.
said-this-address-is-one-of-this-user-s-already = Diese Adresse hat dieser Benutzer bereits.
said-this-is-not-the-token-of-this-preview-or-the-preview-is-older-than-a-day-import-the-file-again = Das ist nicht das Token dieser Vorschau, oder die Vorschau ist älter als ein Tag: Importieren Sie die Datei noch einmal.
said-this-is-not-the-token-of-this-preview-or-the-preview-is-older-than-an-hour-make-another = Das ist nicht das Token dieser Vorschau, oder die Vorschau ist älter als eine Stunde: Machen Sie eine neue.
said-this-is-the-last-active-administrator = Das ist die letzte aktive Person, die die Administration auf Dauer übernimmt.
said-this-passkey-does-not-open-an-account-here-or-the-challenge-was-over-try-again-or-sign-in-with-your-password = Dieser Passkey öffnet hier kein Konto, oder es hat zu lange gedauert. Versuchen Sie es noch einmal, oder melden Sie sich mit Ihrem Passwort an.
said-this-release-knows-no-such-thing-any-more-set-it-by-hand = Diese Version kennt das nicht mehr: Stellen Sie es von Hand ein.
said-too-many-wrong-passwords-came-before-nobody-looked-at-this-one = Zuvor kamen zu viele falsche Passwörter; dieses hat niemand angesehen.
said-too-many-wrong-passwords-came-from-this-network-at-whatever-accounts-nobody-looked-at-this-one = Aus diesem Netz kamen zu viele falsche Passwörter, bei welchen Konten auch immer; dieses hat niemand angesehen.
said-users-have-an-attribute-of-its-former-name-by-now-remove-that-one-first = Benutzer haben inzwischen ein Attribut mit dem früheren Namen: Entfernen Sie es zuerst.
said-usher-s-role-does-not-own-the-table-users-run-usher-attributes-tend-as-the-role-that-does = Die Rolle, als die usher sich verbindet, besitzt die Tabelle users nicht: Führen Sie `usher attributes tend` als die Rolle aus, die sie besitzt.
said-what-a-release-before-this-one-has-removed-of-users-is-gone-put-the-attribute-back-into-the-schema-and-set-it-by-hand = Was eine frühere Version bei Benutzern entfernt hat, ist weg. Nehmen Sie das Attribut wieder in das Schema auf, und setzen Sie es von Hand.
said-what-a-rule-may-do-follows-from-who-has-written-it-last-save-it-anew-by-hand = Was eine Regel darf, folgt daraus, wer sie zuletzt geschrieben hat: Speichern Sie sie von Hand neu.
said-what-goes-on-is-halted-when-somebody-pauses-it = Was läuft, steht still, wenn es jemand anhält.
said-what-was-decided-stays-so-give-or-take-by-hand-what-was-asked-for = Was entschieden wurde, bleibt entschieden: Geben oder nehmen Sie von Hand, worum gebeten wurde.
said-what-was-paused-goes-on-when-somebody-resumes-it = Was angehalten wurde, geht weiter, wenn es jemand fortsetzt.
said-who-was-purged-is-gone-for-good = Wer endgültig gelöscht wurde, kommt nicht zurück.
said-whoever-began-it-may-not-do-this-any-more = Wer das begonnen hat, darf es nicht mehr.
said-write-the-day-as-in-n-n-n = Schreiben Sie den Tag wie 2026-12-31.
said-you-need-a-second-factor-and-this-is-the-only-one-bind-another-one-first = Sie brauchen einen zweiten Faktor, und dies ist der einzige. Richten Sie zuerst einen anderen ein.
