#!/bin/sh
# Entry point of the IDE's image, on every driver: settles the home, then becomes the IDE with the arguments given.
#   ARMADA_IDE_PROGRAM   set by the image: what to run, in words ("code-server", or "node …/entry.js")
#   ARMADA_IDE_SOCKET    where the IDE listens (the gate's side of it: /run/armada/ide.sock)
#   ARMADA_HOME          the home, if it is not /home/coder
#   ARMADA_PROMPT_NAME   what the shell's prompt begins with, such as ada@intro; "coder" without it
#   ARMADA_REPOSITORY    starter repository, cloned once into a home that does not have it
# Nothing here may keep a student from an IDE: whatever fails is said in a file that they see, and the IDE starts.
set -u
umask 0022

home=${ARMADA_HOME:-/home/coder}
socket=${ARMADA_IDE_SOCKET:-/run/armada/ide.sock}
HOME=$home
export HOME
cd "$home" || exit 1

data=$home/.local/share/code-server
# Written once: from then on the settings are the student's.
if [ ! -e "$data/User/settings.json" ]; then
  mkdir -p "$data/User" && cat > "$data/User/settings.json.new" <<'JSON' && mv "$data/User/settings.json.new" "$data/User/settings.json"
{
  "chat.disableAIFeatures": true,
  "workbench.startupEditor": "none",
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "extensions.ignoreRecommendations": true,
  "files.autoSave": "afterDelay",
  "files.exclude": { "**/.armada": true, "**/.local": true, "**/.cache": true, "**/.config": true },
  "git.autofetch": false,
  "git.openRepositoryInParentFolders": "never",
  "terminal.integrated.defaultProfile.linux": "bash"
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
  case $name in '' | .* | */* | *[!A-Za-z0-9._-]*) name=starter ;; esac
  [ -e "$home/$name" ] && return 0
  part=$home/.armada-starter.$$
  # No terminal to ask on: a repository that wants a password fails at once.
  if said=$(GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true git clone --quiet -- "$ARMADA_REPOSITORY" "$part" 2>&1) && mv "$part" "$home/$name"; then
    rm -f "$home/README-starter-failed.txt"
    return 0
  fi
  rm -rf "$part"
  cat > "$home/README-starter-failed.txt" <<TEXT
The starter repository of this course could not be cloned:
  $ARMADA_REPOSITORY

git said:
$said

Tell your instructor. It is tried again at the next start of this workspace; to try it yourself, type in a terminal:
  git clone $ARMADA_REPOSITORY
TEXT
}

# In the background, so that a slow server does not keep the IDE waiting; at most once, as it makes the folder at its end.
if [ -n "${ARMADA_REPOSITORY:-}" ]; then clone & fi

# The last one may have been ended without a chance to take it away.
rm -f "$socket"
mkdir -p "$data"
: > "$data/empty.yaml"

# On purpose unquoted: words. The arguments of the task come last, so they win.
# shellcheck disable=SC2086
exec $ARMADA_IDE_PROGRAM --auth none --socket "$socket" --socket-mode 660 --config "$data/empty.yaml" \
  --user-data-dir "$data" --disable-telemetry --disable-update-check --disable-workspace-trust "$@" "$home"
