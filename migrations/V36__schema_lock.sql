-- expand: Writers of attributes share an advisory lock; a lock of this row would make each of them write it.
comment on table attribute_schema_state is 'One row. Who writes attributes shares an advisory lock, and who changes the schema has it alone.';
