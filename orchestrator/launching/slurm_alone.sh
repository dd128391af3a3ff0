# --- one node: kdsweep starts and ends a Ray of its own, in a folder that no other job uses ----------------------------
RAY=() RAY_AT=local
FOLDER=/tmp/kdsweep-$SLURM_JOB_ID
rm -rf "$FOLDER" && mkdir -m 700 "$FOLDER" || exit 1
export RAY_TMPDIR=$FOLDER

