# Seiten der Konsole, die von selbst zeigen, was geschieht, und die Auswahl von Benutzern, die von Seite zu Seite mitgeht.

choice-add = Zur Auswahl hinzufügen
choice-clear = Auswahl aufheben
choice-count = <strong>{ $count }</strong> ausgewählt
choice-drop = { $name } weglassen
choice-drop-short = Weglassen
choice-left-out = Einzeln können höchstens { $most } ausgewählt werden; { $count ->
    [one] 1 wurde
   *[other] { $count } wurden
} deshalb weggelassen. Für mehr wählen Sie alle, auf die ein Filter zutrifft.
choice-more = Und { $count } weitere.
choice-show = Zeigen, wer ausgewählt ist
choice-somebody = Ein Benutzer, der nicht mehr zu sehen ist
choice-title = Ausgewählt
live-follows = Diese Seite aktualisiert sich von selbst.
