# Shared by ./start and ./test: system packages, home folder, virtual environment.
# Sourced from the project folder by a shell with `set -eu`. Sets $home, $venv and $log.

say() { echo "$*"; }
stop() { code=$1; shift; echo "$*" >&2; exit "$code"; }

# The home: POWEROPTIX_HOME, else the remembered one, else by kind of user (server/home.py).
find_home() {
    if [ -n "${POWEROPTIX_HOME:-}" ]; then
        mkdir -p "$POWEROPTIX_HOME" || stop 3 "cannot make $POWEROPTIX_HOME"
        home=$(cd "$POWEROPTIX_HOME" && pwd -P)
        echo "$home" > .poweroptix
    elif [ -s .poweroptix ]; then
        home=$(cat .poweroptix)
    elif [ "$(id -u)" = 0 ]; then
        home=/var/lib/poweroptix
    else
        home=$(pwd -P)/var
    fi
    export POWEROPTIX_HOME="$home"
    mkdir -p "$home/log" || stop 3 "cannot write to $home; set POWEROPTIX_HOME to a folder of yours"
    [ -w "$home/log" ] || stop 3 "cannot write to $home; set POWEROPTIX_HOME to a folder of yours"
    venv=$home/venv
    log=$home/log/setup.log
    [ ! -L "$log" ] || stop 3 "$log is a link; remove it"
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
            2> /dev/null; then
            python=$candidate
            return
        fi
    done
    python=""
}

has_library() {
    PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2> /dev/null | grep -q "$1"
}

# Packages are found by looking, so nothing is asked of apt when nothing is missing.
missing_packages() {
    packages=""
    find_python
    if [ ! -x "$venv/bin/python" ]; then
        if [ -z "$python" ]; then
            packages="python3 python3-venv"
        elif ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
            packages="python3-venv"
        fi
    fi
    has_library 'libpango-1\.0\.so\.0' || packages="$packages libpango-1.0-0"
    has_library 'libpangoft2-1\.0\.so\.0' || packages="$packages libpangoft2-1.0-0"
    has_library 'libharfbuzz-subset\.so\.0' || packages="$packages libharfbuzz-subset0"
    for package in "$@"; do
        case "$package" in
            chromium) command -v chromium > /dev/null || packages="$packages chromium" ;;
            postgresql) ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 \
                || packages="$packages postgresql" ;;
            *) command -v "$package" > /dev/null || packages="$packages $package" ;;
        esac
    done
    packages=${packages# }
}

# Install what is missing when we may; otherwise print the one line that does.
system_packages() {
    missing_packages "$@"
    [ -n "$packages" ] || return 0
    sudo=""
    if [ "$(id -u)" != 0 ]; then
        if sudo -n true 2> /dev/null; then sudo="sudo -n"; else sudo=none; fi
    fi
    if [ "$sudo" != none ] && command -v apt-get > /dev/null; then
        say "installing system packages: $packages"
        # shellcheck disable=SC2086
        if ! { $sudo apt-get update -q &&
            $sudo env DEBIAN_FRONTEND=noninteractive \
                apt-get install -q -y --no-install-recommends $packages; } >> "$log" 2>&1; then
            stop 3 "apt-get could not install: $packages (see $log)"
        fi
    else
        line="please install:  sudo apt-get install --no-install-recommends $packages"
        case "$packages" in
            *python3*) stop 3 "$line" ;;
            *) say "without PDF invoices for now; $line" ;;
        esac
    fi
    find_python
    [ -n "$python" ] || [ -x "$venv/bin/python" ] \
        || stop 3 "Python 3.11, 3.12 or 3.13 is needed; set PYTHON to it"
}

# Make the virtual environment and install a list of requirements when the list has changed.
install_requirements() {
    list=$1 stamp=$home/${1%.txt}.sha256
    wanted=$({ "$venv/bin/python" -V && cat "$list"; } 2> /dev/null | sha256sum)
    [ "$(cat "$stamp" 2> /dev/null)" != "$wanted" ] || return 0
    say "installing Python packages of $list (a minute or two the first time)"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$list" >> "$log" 2>&1 \
        || stop 3 "pip could not install $list (see $log)"
    echo "$wanted" > "$stamp"
}

set_up() {
    find_home
    system_packages
    if ! "$venv/bin/python" -c 'import pip' > /dev/null 2>&1; then
        [ -n "$python" ] || stop 3 "Python 3.11, 3.12 or 3.13 is needed; set PYTHON to it"
        say "making the virtual environment in $venv"
        "$python" -m venv --clear "$venv" >> "$log" 2>&1 || stop 3 "no virtual environment (see $log)"
        rm -f "$home"/requirements*.sha256
    fi
    for list in "$@"; do
        install_requirements "$list"
    done
}
