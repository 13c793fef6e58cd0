# Pages of the console that follow what happens by themselves, and the choice of users that is carried from page to page.

choice-add = Add to the choice
choice-clear = Clear
choice-count = <strong>{ $count }</strong> chosen
choice-drop = Leave { $name } out
choice-drop-short = Leave out
choice-left-out = At most { $most } can be chosen one by one, so { $count ->
    [one] 1 was
   *[other] { $count } were
} left out. For more, act on all whom a filter fits.
choice-more = And { $count } more.
choice-show = Show who is chosen
choice-somebody = A user who is not to be seen any more
choice-title = Chosen
live-follows = This page follows by itself.
