# Loads a search's journal with Optuna and compares every trial with the search's CSV.
#   read_search.py JOURNAL NAME CSV
import csv
import sys
import warnings

warnings.simplefilter("ignore")
import optuna  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)
journal, name, table = sys.argv[1:]
storage = optuna.storages.JournalStorage(optuna.storages.JournalFileStorage(journal))
study = optuna.load_study(study_name=name, storage=storage)
with open(table, newline="") as file:
    rows = list(csv.DictReader(file))
states = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL", "running": "RUNNING",
          "waiting": "WAITING"}
trials = study.get_trials()
assert len(trials) == len(rows), (len(trials), len(rows))
better = max if study.direction == optuna.study.StudyDirection.MAXIMIZE else min
for trial, row in zip(trials, rows):
    assert trial.number == int(row["trial"])
    assert trial.state.name == states[row["state"]], (trial.number, trial.state)
    steps = trial.intermediate_values
    assert sorted(steps) == list(range(1, int(row["epochs"]) + 1)), (trial.number, steps)
    if steps:
        best = better(steps.values())
        assert best == float(row["value"]), (trial.number, best)
        assert steps[int(row["best_epoch"])] == best
    if trial.state.name in ("COMPLETE", "PRUNED") and steps:
        assert trial.values == [float(row["value"])], (trial.number, trial.values)
        assert trial.datetime_complete >= trial.datetime_start
    assert trial.params, trial.number
    for key, value in trial.params.items():
        given = row[key]
        assert str(value) == given or float(value) == float(given), (key, value, given)
        assert trial.distributions[key]._contains(
            trial.distributions[key].to_internal_repr(value)), (key, value)
complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
if complete:
    assert study.best_value == better(trial.value for trial in complete)
print(len(trials), "trials agree")
