# --- when Slurm asks to stop: kdsweep keeps what it has and ends with code 143 ---------------------------------------
asked=no run= FOLDER=
ask() { asked=yes; [[ -z $run ]] || kill -TERM "$run" 2>/dev/null; }
trap ask TERM

# follow PID: wait for a process, whatever signals come meanwhile, and return its exit code.
follow() {
    local code=0 now
    wait "$1" || code=$?
    while kill -0 "$1" 2>/dev/null; do
        wait "$1" && now=0 || now=$?
        ((now != 127)) || break
        code=$now
    done
    wait "$1" 2>/dev/null && now=0 || now=$?
    ((now == 127)) || code=$now
    return "$code"
}
export -f follow

