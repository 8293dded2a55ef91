#!/bin/sh
# Entry point of the IDE's image, on every driver: settles the home, then becomes the IDE with the arguments given.
#   ARMADA_IDE_PROGRAM   set by the image: the program to run (code-server, or Node)
#   ARMADA_IDE_SCRIPT    set by the image if the program is Node: code-server's entry.js
#   ARMADA_REPOSITORY    starter repository, cloned once into a home that does not have it
#   ARMADA_PROMPT_NAME   what the shell's prompt begins with, such as ada@intro; "coder" without it
# Nothing here may keep a student from an IDE: what fails is said in a file that they see, and the IDE starts.
set -u
umask 022

home=${HOME:-/home/coder}
cd "$home" || exit 1
data=$home/.local/share/code-server
mkdir -p "$data/User"

# Written once: from then on the settings are the student's.
if [ ! -e "$data/User/settings.json" ]; then
  cat > "$data/User/settings.json.new" <<'JSON' && mv "$data/User/settings.json.new" "$data/User/settings.json"
{
  "chat.disableAIFeatures": true,
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "extensions.ignoreRecommendations": true,
  "files.autoSave": "afterDelay",
  "files.exclude": { "**/.git": true, ".armada": true, ".local": true, ".cache": true, ".config": true },
  "git.openRepositoryInParentFolders": "never"
}
JSON
fi

# A prompt that says whose workspace this is: ada@intro:~$
if [ ! -e "$home/.bashrc" ]; then
  cat > "$home/.bashrc" <<'BASH'
case $- in *i*) ;; *) return ;; esac
PS1='\[\e[32m\]${ARMADA_PROMPT_NAME:-coder}\[\e[0m\]:\[\e[34m\]\w\[\e[0m\]\$ '
HISTCONTROL=ignoreboth
alias ls='ls --color=auto' ll='ls -l' grep='grep --color=auto'
BASH
fi

clone() {
  name=$(basename "$ARMADA_REPOSITORY" .git)
  case $name in '' | .* | *[!A-Za-z0-9._-]*) name=starter ;; esac
  [ -e "$home/$name" ] && return
  part=$home/.starter-part
  rm -rf "$part"
  # There is no terminal to ask on: a repository that wants a password fails at once.
  if said=$(GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true git clone --quiet -- "$ARMADA_REPOSITORY" "$part" 2>&1) &&
    said=$(mv "$part" "$home/$name" 2>&1); then
    rm -f "$home/README-starter-failed.txt"
    return
  fi
  rm -rf "$part"
  cat > "$home/README-starter-failed.txt" <<TEXT
The starter repository of this course could not be cloned:
  $ARMADA_REPOSITORY

git said:
$said

Please tell your instructor. It is tried again whenever this workspace starts; to try it now, type in a terminal:
  git clone $ARMADA_REPOSITORY
TEXT
}

# In the background: a slow server must not keep the IDE waiting. The folder appears when it is whole.
if [ -n "${ARMADA_REPOSITORY:-}" ]; then clone & fi

# Without one, code-server makes a file with a password of its own.
: > "$data/empty.yaml"

[ $# -gt 0 ] || set -- --auth none --socket /run/armada/ide.sock --socket-mode 660 "$home"

# A job at work keeps a workspace from being stopped as idle. The gate can't see our processes, so we touch a file
# beside the socket whenever what runs in terminals used more than 5 % of a processor since the last look. Processes
# of editor and extensions have no terminal. Times of /proc/<pid>/stat are 1/100 s.
watch_jobs() {
  ide=$1 sign=$2 seconds=${ARMADA_JOB_SECONDS:-20} before=
  while kill -0 "$ide"; do
    used=$(cat /proc/[0-9]*/stat | awk -v ide="$ide" '
      { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2; if ($5 != 0) time[pid] = $12 + $13 + $14 + $15 }
      function ours(p) { while (p > 1) { if (p == ide) return 1; p = parent[p] } return parent[ide] <= 1 }
      END { for (p in time) if (ours(p)) sum += time[p]; print sum + 0 }')
    [ -n "$before" ] && [ $((used - before)) -gt $((seconds * 5)) ] && touch "$sign"
    before=$used
    sleep "$seconds"
  done
}
socket='' last=''
for argument; do
  [ "$last" = --socket ] && socket=$argument
  last=$argument
done
# What the IDE says goes on to the container's log; its end is kept beside the socket, where the gate reads it for people.
# The file is the script's alone to shorten: tee appends.
keep_log() {
  ide=$1 log=$2 seconds=${ARMADA_JOB_SECONDS:-20}
  while kill -0 "$ide"; do
    if [ "$(wc -c < "$log")" -gt 1000000 ]; then tail -c 100000 "$log" > "$log.end" && cat "$log.end" > "$log"; rm -f "$log.end"; fi
    sleep "$seconds"
  done
}
if [ -n "$socket" ] && [ -d "$(dirname "$socket")" ]; then
  log=$(dirname "$socket")/ide.log
  rm -f "$log.pipe"
  if : > "$log" && mkfifo "$log.pipe"; then
    tee -a "$log" < "$log.pipe" &
    exec > "$log.pipe" 2>&1
    rm -f "$log.pipe"
    (exec </dev/null >/dev/null 2>&1 && keep_log $$ "$log") &
  fi
fi

# By exec: a redirected function keeps what it was redirected from, and so would hold our output open.
if [ -n "$socket" ]; then (exec </dev/null >/dev/null 2>&1 && watch_jobs $$ "$(dirname "$socket")/busy") & fi

exec "$ARMADA_IDE_PROGRAM" ${ARMADA_IDE_SCRIPT:+"$ARMADA_IDE_SCRIPT"} \
  --config "$data/empty.yaml" --user-data-dir "$data" --disable-telemetry --disable-update-check "$@"
