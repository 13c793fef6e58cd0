-- expand: How many users a part of a name or an address fits is to be expected from more of them.
-- Of a pattern that fits one user in two hundred, the usual hundred values tell nothing, and the list takes the wrong way.
alter table users alter column search_text set statistics 1000;
alter table emails alter column address_normal set statistics 1000;
