# --- the run ----------------------------------------------------------------------------------------------------------
# Where the limit leaves no time for an epoch, it would go back into the queue for ever: not a second time.
"${KDSWEEP[@]}" run "${SWEEPS[@]}" "${OPTIONS[@]}" --address "$RAY_AT" ${SLURM_RESTART_COUNT:+--need-progress} &
run=$!
[[ $asked == no ]] || ask
follow "$run"
code=$?

# --- the end ----------------------------------------------------------------------------------------------------------
# Stopped before it was through, it goes back into the queue: not where somebody has cancelled the job, nor where Slurm
# is at it already. Slurm then ends what is left of this one.
trap '' TERM
if [[ $asked == yes && $code != 0 ]] && { [[ $code != 2 ]] || ((${SLURM_JOB_END_TIME:-0} > EPOCHSECONDS + 240)); }; then
    code=143  # with time left it was preempted
fi
state=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T 2>/dev/null)
if [[ $code == 143 && $state == RUNNING ]]; then
    echo "stopped with work left: job $SLURM_JOB_ID goes back into the queue"
    scontrol requeue "$SLURM_JOB_ID"
fi
for pid in "${RAY[@]}"; do kill -USR1 "$pid" 2>/dev/null; done  # which srun passes on, where TERM kills
wait
[[ -z $FOLDER ]] || rm -rf "$FOLDER"
exit "$code"
