"""One operator explained: signature, formula, definition, changes between versions, worked examples, known differences."""
