#!/bin/sh
# copydesk: judges what is about to be committed or pushed; `copydesk init` writes it.
# Without site: its files of paths would cost every commit as much as the verdict.
[ -x @PYTHON@ ] && [ -f @GATE@ ] || exit 0
exec @PYTHON@ -I -S @GATE@ "$@"
