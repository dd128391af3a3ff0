# --- Ray over the nodes of this job, and for it alone: a port, a token and folders of its own -------------------------
# The head is on this node, the first, and listens where the second node reaches us. Others may come later, or not at
# all: kdsweep works with the nodes that are there.
export PYTHON=${KDSWEEP[0]} HEAD_SECONDS=60
mapfile -t NODES < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
export HEAD_NODE=${NODES[0]}
read -r ADDRESS PORT RAY_AUTH_TOKEN < <("$PYTHON" -c '
import secrets, socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way, socket.socket() as free:
    way.connect((sys.argv[1], 9))  # sends nothing
    free.bind((way.getsockname()[0], 0))
    print(*free.getsockname(), secrets.token_hex(32))
' "${NODES[1]:-localhost}")
[[ -n $RAY_AUTH_TOKEN ]] || { echo "this node does not know the way to ${NODES[1]}" >&2; exit 1; }
unset RAY_ADDRESS RAY_AUTH_TOKEN_PATH RAY_TMPDIR
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN RAY_AT=$ADDRESS:$PORT

# start_ray NUMBER OPTION...: this node's Ray, with the cores and GPUs that Slurm gives us here, until it is ended: 0, or
# ends by itself: 1. Its folder has a short name, for that of a socket has 107 bytes at most.
start_ray() {
    local folder=/tmp/kdsweep-$SLURM_JOB_ID-$1 cores ray code=0 ended=no
    shift
    rm -rf "$folder" && mkdir -m 700 "$folder" || return 1
    cores=$("$PYTHON" -c 'from trainers.machine import usable_cores; print(usable_cores())') || return 1
    "$PYTHON" -m ray.scripts.scripts start --block --disable-usage-stats --temp-dir "$folder" --num-cpus "$cores" \
        ${SLURM_GPUS_ON_NODE:+--num-gpus "$SLURM_GPUS_ON_NODE"} "$@" >"$folder/said" 2>&1 &
    ray=$!
    trap 'ended=yes; kill -TERM $ray 2>/dev/null; (sleep 5; kill -KILL $ray 2>/dev/null) &' TERM USR1
    follow "$ray" || code=$?
    [[ $ended == yes ]] || { echo "Ray on $(hostname) ended with code $code:"; tail -n 15 "$folder/said"; } >&2
    rm -rf "$folder"
    [[ $ended == yes ]]
}

# Whether the head listens, within HEAD_SECONDS: `ray start` alone would try for ten minutes, and say nothing.
head_listens() {
    local second
    for ((second = 0; second < HEAD_SECONDS; second++)); do
        (exec 3<>"/dev/tcp/${RAY_AT%:*}/${RAY_AT##*:}") 2>/dev/null && return
        sleep 1
    done
    echo "$(hostname): nobody listens at $RAY_AT, where Ray's head should be, after $HEAD_SECONDS s" >&2
    return 1
}

# Another node: its Ray, again where the network was away. A first node that died takes this script with it, and Slurm
# would leave the others to the job, idle: they put it back into the queue.
join() {
    local joined=no nodes
    while :; do
        if head_listens; then
            joined=yes
            start_ray "$((SLURM_PROCID + 1))" --address "$RAY_AT" && return
            continue
        fi
        [[ $joined == yes ]] || return 1
        nodes=$(scontrol show hostnames "$(squeue --noheader --jobs="$SLURM_JOB_ID" --states=RUNNING --format=%N)")
        if [[ -n $nodes ]] && ! grep -qx "$HEAD_NODE" <<<"$nodes"; then
            echo "$HEAD_NODE is gone: job $SLURM_JOB_ID goes back into the queue"
            scontrol requeue "$SLURM_JOB_ID" && return
        fi
    done
}
export -f start_ray head_listens join

start_ray 0 --head --node-ip-address "$ADDRESS" --port "$PORT" --include-dashboard false &
RAY=($!)
others=$((${#NODES[@]} - 1))
if ((others > 0)); then
    srun --export=ALL --relative=1 --nodes="$others" --ntasks="$others" --ntasks-per-node=1 \
        ${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"} --kill-on-bad-exit=0 --no-kill --input=none \
        bash -c join &
    RAY+=($!)
fi
head_listens || exit 1

