# --- the run ----------------------------------------------------------------------------------------------------------
"${KDSWEEP[@]}" run "${SWEEPS[@]}" "${OPTIONS[@]}" --address "$RAY_AT" &
run=$!
[[ $asked == no ]] || ask
follow "$run"
code=$?

# --- the end ----------------------------------------------------------------------------------------------------------
# Stopped before it was through, it goes back into the queue: not where somebody has cancelled the job, nor where Slurm
# is at it already. Slurm then ends what is left of this one.
trap '' TERM
[[ $asked == yes && $code != 0 && $code != 2 ]] && code=143
state=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T 2>/dev/null)
if [[ $code == 143 && $state == RUNNING ]]; then
    echo "stopped with work left: job $SLURM_JOB_ID goes back into the queue"
    scontrol requeue "$SLURM_JOB_ID"
fi
for pid in "${RAY[@]}"; do kill -USR1 "$pid" 2>/dev/null; done  # which srun passes on, where TERM kills
wait
[[ -z $FOLDER ]] || rm -rf "$FOLDER"
exit "$code"
