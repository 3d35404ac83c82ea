#!/bin/sh
# copydesk: tells the daemon about new commits; `copydesk init --undo` takes it out.
# Only builtins run before git may go on: a fork would cost more than all the rest.
code=0
if [ -x "$0.copydesk-chained" ]; then
  case $0 in
  # husky goes by the name it was started as to find the user's script
  */.husky/_/* | .husky/_/*) sh -c '. "$0.copydesk-chained"' "$0" "$@" ;;
  *) "$0.copydesk-chained" "$@" ;;
  esac
  code=$?
fi
hook=@HOOK@
g=${GIT_DIR:-.git}
[ -f "$g" ] && read -r _ g <"$g"
if [ -f "$g/commondir" ]; then
  read -r c <"$g/commondir"
  case $c in /*) g=$c ;; *) g=$g/$c ;; esac
fi
if [ -x @PYTHON@ ] && [ -f @NOTIFY@ ]; then
  if [ -d "$g/copydesk/spool/new" ]; then
    set -C
    { printf '%s\n%s\n' "$hook" "$PWD" >"$g/copydesk/spool/new/$$.$hook"; } 2>/dev/null
    set -- --ensure "$g"
  else
    set -- "$hook"
  fi
  (exec @PYTHON@ -I -S @NOTIFY@ "$@") </dev/null >/dev/null 2>&1 &
fi
exit "$code"
