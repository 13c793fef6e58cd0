arrival-sign-in = Anmelden
arrival-has-account = Sie haben schon ein Konto? <a href="/sign-in">Anmelden</a>
arrival-address = E-Mail-Adresse
arrival-name = Ihr Name
arrival-name-hint = Wie Sie genannt werden möchten.
arrival-password = Passwort
arrival-new-password = Neues Passwort
arrival-password-hint = Mindestens { $count } Zeichen. Gut sind ein paar Wörter ohne Zusammenhang; Ziffern oder Sonderzeichen sind nicht vorgeschrieben.
arrival-password-hint-phrase = Mindestens { $count } Zeichen. Gut ist ein Satz aus mehreren Wörtern.
arrival-choose-password = Wählen Sie ein neues Passwort
arrival-mail-title = Sehen Sie in Ihrem Postfach nach
arrival-mail-late = Es kommt keine Mail?
arrival-mail-unwanted = Es kann einige Minuten dauern. Sehen Sie auch im Spam-Ordner nach.
arrival-advice = Was Sie tun können
arrival-link-title = Link ungültig
arrival-link-heading = Dieser Link funktioniert nicht
arrival-link-why = Vielleicht wurde er schon benutzt, vielleicht ist er zu alt, oder es fehlt ein Teil.
arrival-link-why-unchanged = Vielleicht wurde er schon benutzt, vielleicht ist er zu alt, oder es fehlt ein Teil. Geändert wurde diesmal nichts.

arrival-missing-address = Geben Sie Ihre E-Mail-Adresse ein.
arrival-missing-name = Geben Sie Ihren Namen ein.
arrival-missing-password = Wählen Sie ein Passwort.
arrival-subject-address = Die Adresse
arrival-subject-name = Der Name
arrival-subject-password = Das Passwort
arrival-subject-your-password = Ihr Passwort

register-title = Konto anlegen
register-address-hint = Dorthin geht ein Link, der bestätigt, dass es Ihre ist.
register-button = Konto anlegen
register-sent = Eine Mail ist zu <strong>{ $email }</strong> unterwegs. Öffnen Sie den Link darin, dann können Sie sich anmelden.
register-sent-known = Wenn Sie schon ein Konto haben, steht das in der Mail, und sie enthält keinen Link.
register-sent-wrong = Wenn die Adresse nicht stimmt, <a href="/register">beginnen Sie von vorn</a>.
register-closed-title = Keine Registrierung
register-closed-heading = Hier kann man sich nicht registrieren
register-closed = Die Registrierung ist geschlossen. Wenn Sie ein Konto haben sollten, bitten Sie die Administration darum.
register-closed-invite = Registrieren kann sich nur, wer eingeladen ist. Wenn Sie ein Konto haben sollten, bitten Sie die Administration darum.

verify-title = Bestätigen Sie Ihre Adresse
verify-why = Noch ein Schritt: Zeigen Sie, dass Sie selbst sich mit der Adresse registriert haben, an die dieser Link ging.
verify-password = Das Passwort, mit dem Sie sich registriert haben
verify-button = Meine Adresse bestätigen
verify-otherwise = Sie wissen es nicht mehr, oder jemand anders hat sich mit Ihrer Adresse registriert? Wählen Sie ein neues Passwort, oder schließen Sie diese Seite, wenn Sie kein Konto möchten.
verify-choose = Neues Passwort wählen
verify-choose-why = Es ersetzt das Passwort der Registrierung. Auch Name und Profil, die dort angegeben wurden, werden vergessen: Sie könnten von jemand anderem sein.
verify-choose-button = Passwort setzen und bestätigen
verify-wrong = Das ist nicht das Passwort, mit dem Sie sich registriert haben. Versuchen Sie es noch einmal, oder wählen Sie unten ein neues.
verify-too-many = Das waren zu viele falsche Passwörter für diesen Link. Wählen Sie ein neues.
verify-done-title = Adresse bestätigt
verify-done-heading = Ihre Adresse ist bestätigt
verify-done = Vielen Dank. Sie können sich jetzt anmelden.
verify-failed-before = Wenn Sie Ihre Adresse schon bestätigt haben, <a href="/sign-in">melden Sie sich an</a> wie immer.
verify-failed-again = Wenn nicht, lassen Sie sich dort, wo Sie sich registriert haben, eine neue Mail schicken, und nutzen Sie den Link in der neuesten.

recover-title = Passwort vergessen?
recover-why = Nennen Sie uns Ihre Adresse, und Sie bekommen eine Mail mit einem Link, um ein neues zu wählen. Bis Sie ihn nutzen, ändert sich nichts.
recover-button = Link senden
recover-otherwise = Es ist Ihnen wieder eingefallen? <a href="/sign-in">Anmelden</a>
recover-sent = Wenn <strong>{ $email }</strong> zu einem Konto gehört, ist eine Mail mit einem Link unterwegs. Der Link gilt eine Stunde lang.
recover-sent-other = Vielleicht haben Sie sich mit einer anderen Adresse registriert: <a href="/recover">Versuchen Sie es mit dieser</a>.
recover-sent-back = Zurück zur Anmeldung

reset-welcome-title = Wählen Sie ein Passwort
reset-welcome-heading = Willkommen bei { $product }
reset-welcome-why = Für Sie wurde ein Konto angelegt. Wählen Sie ein Passwort, dann können Sie sich anmelden.
reset-why = Sobald es gesetzt ist, werden Sie überall abgemeldet und melden sich mit dem neuen wieder an.
reset-button = Passwort setzen
reset-done-title = Passwort gesetzt
reset-done-heading = Ihr Passwort ist gesetzt
reset-done-welcome = Sie können sich jetzt damit anmelden.
reset-done = Sie wurden überall abgemeldet. Melden Sie sich auf jedem Ihrer Geräte mit dem neuen Passwort wieder an.
reset-failed-again = <a href="/recover">Lassen Sie sich einen neuen Link schicken</a>, und öffnen Sie den in der neuesten Mail.
reset-failed-invited = Wenn die Administration Sie eingeladen hat, bitten Sie dort um einen neuen Link.

not-me-title = Waren Sie das nicht?
not-me-why = Wenn sich jemand anders bei Ihrem Konto angemeldet hat, geschieht hiermit dreierlei:
not-me-out = Sie werden überall abgemeldet, und die andere Person auch.
not-me-password = Ihr jetziges Passwort gilt nicht mehr.
not-me-mail = Sie bekommen eine Mail mit einem Link, um ein neues zu wählen.
not-me-button = Das war ich nicht
not-me-otherwise = Sie waren es doch? Dann schließen Sie diese Seite, und nichts ändert sich.
not-me-done-title = Ihr Konto ist für andere geschlossen
not-me-done-heading = Niemand ist mehr angemeldet
not-me-done = Das alte Passwort gilt nicht mehr. Eine Mail ist zu Ihnen unterwegs: Wählen Sie mit dem Link darin ein neues Passwort.
not-me-failed = <a href="/recover">Lassen Sie sich einen Link schicken</a>, um ein neues Passwort zu wählen: Auch damit werden Sie überall abgemeldet.

setup-title = { $product } einrichten
setup-why = Legen Sie das erste Administrationskonto an. Das Setup-Token zeigt, dass Sie diesen Server betreiben: Es steht in der Datei <code>setup-token</code> des Datenverzeichnisses, und <code>usher setup-token</code> erstellt ein neues.
setup-token = Setup-Token
setup-token-hint = Beginnt mit ush_setup_ und gilt einmal.
setup-token-missing = Geben Sie das Setup-Token ein.
setup-token-subject = Das Setup-Token
setup-token-refused = Dieses Setup-Token gilt nicht: Es ist nicht das neueste, oder es fehlt ein Teil.
setup-address = Ihre E-Mail-Adresse
setup-password-hint = Mindestens { $count } Zeichen. Gut sind ein paar Wörter ohne Zusammenhang.
setup-button = Administrationskonto anlegen
setup-done-title = { $product } ist eingerichtet
setup-done = Sie haben das erste Administrationskonto, und das Setup-Token ist verbraucht.
setup-over-title = Bereits eingerichtet
setup-over-heading = Es ist bereits eingerichtet
setup-over = Es gibt schon ein Administrationskonto. Wer sonst noch eines haben soll, bekommt die Rolle von dort.

invited-title = Sie sind zu { $product } eingeladen
invited-by = <strong>{ $inviter }</strong> lädt Sie ein, ein Konto anzulegen.
invited-by-nobody = Legen Sie ein Konto an, um anzunehmen.
invited-message-theirs = Persönliche Nachricht an Sie
invited-message = Die Nachricht an Sie
invited-address-hint = Die Einladung ist für diese Adresse.
invited-address-hint-link = Die Einladung ist für diese Adresse. Dorthin geht ein Link, der bestätigt, dass es Ihre ist.
invited-username = Benutzername
invited-username-hint = Andere sehen ihn. Wenn Sie nichts eingeben, wird einer ausgedacht; Sie können ihn später ändern. 3 bis 64 Buchstaben, Ziffern, Punkte, Binde- oder Unterstriche.
invited-username-missing = Wählen Sie einen Benutzernamen.
invited-username-subject = Der Benutzername
invited-username-shape = Der Benutzername muss aus 3 bis 64 Buchstaben, Ziffern, Punkten, Binde- oder Unterstrichen bestehen.
invited-button = Einladung annehmen
invited-otherwise = Sie haben das nicht erwartet? Schließen Sie die Seite: Dann entsteht kein Konto.
invited-done-title = Willkommen bei { $product }
invited-done = Ihr Konto ist angelegt. Melden Sie sich mit <strong>{ $email }</strong> oder Ihrem Benutzernamen <strong>{ $username }</strong> an.
invited-done-onwards = Danach geht es weiter zu <a href="{ $address }" rel="noreferrer">{ $site }</a>
invited-sent = Ihr Konto ist angelegt. Eines fehlt noch: Eine Mail ist zu <strong>{ $email }</strong> unterwegs. Öffnen Sie den Link darin, dann können Sie sich anmelden.
invited-sent-wrong = Wenn die Adresse nicht stimmt, sagen Sie dort Bescheid, woher die Einladung kam.
invited-sent-onwards = <a href="/sign-in">Melden Sie sich an</a>, und dann geht es weiter zu <a href="{ $address }" rel="noreferrer">{ $site }</a>
invited-failed-heading = Diese Einladung gilt nicht
invited-failed-why = Vielleicht wurde sie schon angenommen, ist zu alt oder wurde zurückgezogen, oder es fehlt ein Teil des Links.
invited-failed-known = Wenn Sie schon ein Konto haben, <a href="/sign-in">melden Sie sich an</a>.
invited-failed-newest = Öffnen Sie den Link in der neuesten Mail: Die Links davor gelten nicht mehr.
invited-failed-again = Bitten Sie darum, dass man Ihnen die Einladung noch einmal schickt.

confirm-email-title = Diese Adresse hinzufügen
confirm-email-why = Jemand mit einem Konto bei { $product } möchte die Adresse hinzufügen, an die dieser Link ging. Wenn Sie das sind, bestätigen Sie es hier.
confirm-email-otherwise = Sie waren es nicht? Dann schließen Sie diese Seite. Wer es war, könnte sich mit dieser Adresse anmelden, wenn Sie sie dem fremden Konto hinzufügten.
confirm-email-done-title = Adresse hinzugefügt
confirm-email-done-heading = Die Adresse ist hinzugefügt
confirm-email-done = Sie gehört jetzt zu Ihrem Konto. Sie können sich mit ihr anmelden.
confirm-email-done-account = Zu Ihrem Konto
confirm-email-unchanged-title = Adresse nicht hinzugefügt
confirm-email-taken-heading = Zu dieser Adresse gehört ein Konto
confirm-email-taken-why = Sie wurde einem Konto hinzugefügt, seit der Link gesendet wurde. Daher wurde nichts geändert.
confirm-email-taken-advice = Melden Sie sich mit dieser Adresse an, und entfernen Sie sie dort, wenn Sie sie anderswo möchten.
confirm-email-full-heading = Für sie ist kein Platz
confirm-email-full-why = Ihr Konto hat schon so viele Adressen, wie erlaubt sind. Daher wurde nichts geändert.
confirm-email-full-advice = Entfernen Sie eine Adresse aus Ihrem Konto, und öffnen Sie dann diesen Link noch einmal.
confirm-email-failed-why = Vielleicht wurde er schon benutzt, vielleicht ist er zu alt, oder es wurde seither eine andere Adresse angegeben.
confirm-email-failed-known = Sehen Sie bei den Adressen Ihres Kontos nach: Vielleicht ist diese schon dabei.
confirm-email-failed-again = Wenn nicht, fügen Sie sie noch einmal hinzu, und nutzen Sie den Link in der neuesten Mail.

deleted-title = Ihr Konto ist gelöscht
deleted-signed-out = Sie wurden überall abgemeldet.
deleted-until = Das Konto bleibt noch bis { $when } ({ $zone }) erhalten und wird dann endgültig entfernt.
deleted-until-utc = Das Konto bleibt noch bis { $when } (UTC) erhalten und wird dann endgültig entfernt.
deleted-undo = Wenn Sie es sich anders überlegen, öffnen Sie den Link in der Mail, die wir Ihnen gesendet haben: Er bringt Ihr Konto zurück.
deleted-undo-to = Wenn Sie es sich anders überlegen, öffnen Sie den Link in der Mail, die wir an { $email } gesendet haben: Er bringt Ihr Konto zurück.
deleted-other = Mit einem anderen Konto anmelden
undo-deletion-title = Ihr Konto behalten
undo-deletion-why = Sie haben Ihr Konto bei { $product } gelöscht. Wenn Sie es sich anders überlegt haben, klicken Sie auf die Schaltfläche, und alles ist wie zuvor.
undo-deletion-button = Mein Konto behalten
undo-deletion-otherwise = Es soll gelöscht werden? Dann schließen Sie diese Seite. Nach Ablauf der Frist wird es endgültig entfernt.
undo-deletion-done-title = Ihr Konto ist wieder da
undo-deletion-done = Alles ist wie zuvor. Sie wurden überall abgemeldet: Melden Sie sich wieder an.
undo-deletion-done-others = Nicht Sie haben es gelöscht? Dann konnte jemand hinein. <a href="/recover">Wählen Sie ein neues Passwort</a>.
undo-deletion-failed-known = Versuchen Sie, sich <a href="/sign-in">anzumelden</a>: Vielleicht ist Ihr Konto schon wieder da.
undo-deletion-failed-ask = Wenn das nicht geht, fragen Sie Ihre Administration.
