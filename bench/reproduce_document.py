"""The document of bench/reproduce: what was reached beside what the report has, from the files that the
runs and searches have left."""

import configparser
import csv
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import time

BELOW = 0.7  # points below the report from which on a cause is asked for
ROWS = 20  # of a search's leaderboard
NOTES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reproduce.notes")
SHOWN = [  # settings of a figure: section, key, and how they are told
    ("network", "hidden", "{}"), ("network", "activation", "{}"),
    ("network", "batch_norm", "batch norm {}"), ("network", "init", "init {}"),
    ("train", "learning_rate", "learning rate {}"), ("train", "decay", "decay {}"),
    ("train", "l2", "L2 {}"), ("train", "momentum", "momentum {}"),
    ("train", "batch_size", "mini-batches of {}"), ("train", "epochs", "{} epochs"),
    ("augment", "noise", "noise {}")]


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def read_ini(path):
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read(path, encoding="utf-8")
    return parser


def read_notes():
    """NAME: what was measured; a line each."""
    notes = {}
    if os.path.exists(NOTES):
        with open(NOTES, encoding="utf-8") as lines:
            for line in lines:
                name, colon, note = line.partition(":")
                if colon and not line.startswith("#"):
                    notes[name.strip()] = note.strip()
    return notes


def percent(value):
    return "–" if value is None else f"{value:.2f}"


def points(value):
    return "–" if value is None else f"{value:+.2f}"


def mean_and_spread(values):
    if not values:
        return "–"
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def table(head, rows, left=1):
    """Markdown; all but the first `left` columns are numbers."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [head, rule, *rows]) + "\n"


class Figure:
    def __init__(self, preset, jobs):
        self.name = preset.name
        with open(preset.file, encoding="utf-8") as lines:
            comment = lines.readline()
        told = re.match(r"# (?:Figure \d+: )?(.*?)(?:; .*report: ([\d.]+)%.*)?$", comment)
        self.what = told.group(1).rstrip(".") if told else self.name
        self.report = float(told.group(2)) if told and told.group(2) else None
        self.settings = read_ini(os.path.join(jobs[0].directory, "settings.ini"))
        self.results = [(job.seed, read_json(os.path.join(job.directory, "result.json")))
                        for job in jobs]
        self.tests = [100 * result["test_accuracy"] for _, result in self.results if result]
        self.difference = (statistics.mean(self.tests) - self.report
                           if self.tests and self.report is not None else None)

    def told_settings(self):
        told = [text.format(self.settings[section][key]) for section, key, text in SHOWN
                if self.settings.has_option(section, key)]
        fuller = {"noise on": ("augment", "noise_level", "noise of level {}"),
                  "init normal": ("network", "init_std", "init N(0, {})")}
        for i, text in enumerate(told):
            section, key, words = fuller.get(text, ("", "", ""))
            if self.settings.has_option(section, key):
                told[i] = words.format(self.settings[section][key])
        return ", ".join(told)

    def section(self, picture):
        rows = [[seed] + ([percent(100 * result["test_accuracy"]),
                           percent(100 * result["best_validation_accuracy"]),
                           result["best_epoch"]] if result else ["not finished", "–", "–"])
                for seed, result in self.results]
        return (f"### {self.name}: {self.what}\n\n{self.told_settings()}.\n\n"
                f"Test accuracy {mean_and_spread(self.tests)}%; report {percent(self.report)}%.\n\n" +
                table(["seed", "test %", "best validation %", "at epoch"], rows) + picture)


class Search:
    """A search with one seed."""

    def __init__(self, options, job):
        self.name, self.preset, self.seed = job.name, job.preset, job.seed
        self.directory = job.directory
        printed = subprocess.run([options.kdtui, "search", "--csv", "-n", job.name, "--runs-dir",
                                  job.runs], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 text=True, check=False).stdout
        self.rows = list(csv.DictReader(io.StringIO(printed)))
        settings = read_ini(os.path.join(self.directory, "search.ini"))
        self.settings = settings["search"] if settings.has_section("search") else {}
        self.parameters = []
        if self.rows:
            columns = list(self.rows[0])
            self.parameters = columns[columns.index("seconds") + 1:columns.index("directory")]
        self.trials = sorted((self.trial(row) for row in self.rows if row["state"] == "complete"),
                             key=lambda trial: (-trial["value"], trial["number"]))
        self.tops = [(trial, read_json(os.path.join(self.directory, f"top-{trial['number']:04d}",
                                                    "result.json"))) for trial in self.trials]
        self.tops = [(trial, result) for trial, result in self.tops if result]

    def trial(self, row):
        layers = [row[name] for name in self.parameters if name.startswith("network.hidden.")]
        values = {name.partition(".")[2]: f"{float(row[name]):.4g}" if "." in row[name] or
                  "e" in row[name] else row[name].replace(" ", "-")
                  for name in self.parameters if not name.startswith("network.hidden.")}
        if layers:
            values["hidden"] = "-".join(layers)
        return {"number": int(row["trial"]), "value": 100 * float(row["value"]),
                "test": 100 * float(row["test_accuracy"]) if row["test_accuracy"] else None,
                "told": values}

    @property
    def full_protocol(self):
        return self.settings.get("train_size", "0") == "0"

    def reference(self):
        """Of search.reference: each architecture's, or the best on the search split and on the full
        protocol; where it has none they are missing."""
        text, out = self.settings.get("reference", ""), {}
        pairs = re.findall(r"(\d+(?:-\d+)+) ([\d.]+)", text)
        if pairs:
            return {net: float(value) for net, value in pairs}
        for clause in text.split(";"):
            numbers = [float(number) for number in re.findall(r"(?<![\w.])\d+\.\d+", clause)]
            for what in "search split", "full protocol":
                if numbers and what in clause:
                    out[what] = max(numbers)
        return out


def leaderboard(search):
    head = ["trial", *(search.trials[0]["told"] if search.trials else []), "validation %", "test %"]
    rows = [[trial["number"], *trial["told"].values(), percent(trial["value"]), percent(trial["test"])]
            for trial in search.trials[:ROWS]]
    more = len(search.trials) - ROWS
    return table(head, rows) + (f"\nand {more} more.\n" if more > 0 else "")


def top_table(search):
    if not search.tops:
        return ""
    rows = [[trial["number"], ", ".join(trial["told"].values()), percent(trial["value"]),
             percent(100 * result["best_validation_accuracy"]),
             percent(100 * result["test_accuracy"])] for trial, result in search.tops]
    return ("\nThe best, trained again on the full protocol:\n\n" +
            table(["trial", "settings", "search split: validation %", "validation %", "test %"], rows,
                  2))


def architecture_table(searches, reference):
    """Each architecture of the report beside ours, with every seed."""
    tests = {}
    for search in searches:
        for trial in search.trials:
            tests.setdefault(trial["told"].get("hidden"), {})[search.seed] = trial["test"]
    seeds = [search.seed for search in searches]
    rows = []
    for net, value in reference.items():
        ours = tests.get(net, {})
        got = [ours[seed] for seed in seeds if ours.get(seed) is not None]
        rows.append([net, percent(value), *(percent(ours.get(seed)) for seed in seeds),
                     mean_and_spread(got), points(statistics.mean(got) - value if got else None)])
    best = ["best", percent(max(reference.values()))]
    highest = [max((seed_tests[search.seed] for seed_tests in tests.values()
                    if seed_tests.get(search.seed) is not None), default=None) for search in searches]
    best += [percent(value) for value in highest]
    got = [value for value in highest if value is not None]
    rows.append(best + [mean_and_spread(got),
                        points(statistics.mean(got) - max(reference.values()) if got else None)])
    return table(["architecture", "report %", *(f"seed {seed}" for seed in seeds), "mean", "difference"],
                 rows)


def architecture_best(searches):
    """The best test accuracy of each seed's trials, as the report's best is one of its own."""
    return [max(tests) for tests in ([trial["test"] for trial in search.trials
                                      if trial["test"] is not None] for search in searches) if tests]


class Pictures:
    def __init__(self, options):
        self.options, self.why = options, ""
        if not shutil.which("gnuplot"):
            self.why = "There are no figures: gnuplot is not installed."

    def __call__(self, directory):
        """Markdown with the figure of a run or a search; "" where there is none."""
        name = os.path.basename(directory)
        path = os.path.join(self.options.dir, "figures", name + ".svg")
        newest = max((os.path.getmtime(os.path.join(directory, file)) for file in
                      ("result.json", "search.journal", "metrics.csv")
                      if os.path.exists(os.path.join(directory, file))), default=0)
        if self.why or not newest:
            return ""
        if not os.path.exists(path) or os.path.getmtime(path) < newest:
            drawn = subprocess.run([self.options.kdtui, "plot", directory, "-o", path],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   check=False)
            if drawn.returncode != 0:
                return f"\nNo figure: {drawn.stderr.strip()}\n"
        return f"\n![{name}](figures/{name}.svg)\n"


# ---- the parts ----


def machine_part(jobs, times, figures, searches):
    results = [result for figure in figures for _, result in figure.results if result]
    results += [result for search in searches for _, result in search.tops]
    own = [row for row in times.rows if row["job"] in {job.name for job in jobs}]
    seconds = sum(row["seconds"] * row["share"] for row in own)
    processor = sum(row["processor"] for row in own)
    done = sum(times.done(job) for job in jobs)
    lines = [f"{time.strftime('%Y-%m-%d %H:%M')}; {done} of {len(jobs)} jobs done."]
    if results:
        machine, libraries = results[0]["machine"], results[0]["libraries"]
        lines.append(f"kdtui {results[0]['version']} on {machine['cpus']} processors "
                     f"({machine['cpu']}), " +
                     ", ".join(f"{text}" if name == "blas" else f"{name} {text}"
                               for name, text in libraries.items()) + ".")
    lines.append(f"Training took {seconds / 60:.1f} minutes of wall-clock time and "
                 f"{processor / 60:.1f} minutes of processor time.")
    return "\n".join(lines) + "\n"


def compare(name, what, report, values):
    """A row of the summary."""
    ours = statistics.mean(values) if values else None
    difference = ours - report if ours is not None and report is not None else None
    return {"name": name, "what": what, "report": report, "ours": mean_and_spread(values),
            "difference": difference}


def best_rows(groups):
    """The tables' and searches' best beside the report's."""
    rows = []
    for name, searches in groups.items():
        if name.startswith("srch"):
            continue
        reference = searches[0].reference()
        if searches[0].full_protocol:
            if reference:
                rows.append(compare(name, "best test accuracy, full protocol",
                                    max(reference.values()), architecture_best(searches)))
            continue
        rows += split_rows(name, searches, reference)
    random = [each for name, searches in groups.items() if name.startswith("srch")
              for each in searches]
    if random:
        rows += split_rows("srch", random, random[0].reference())
    return rows


def split_rows(name, searches, reference):
    values = [trial["value"] for search in searches for trial in search.trials]
    tests = [100 * result["test_accuracy"] for search in searches for _, result in search.tops]
    return [compare(name, "best validation accuracy, search split", reference.get("search split"),
                    [max(values)] if values else []),
            compare(name, "best test accuracy of those trained again", reference.get("full protocol"),
                    [max(tests)] if tests else [])]


def summary(figures, rows, notes):
    known = [figure for figure in figures if figure.difference is not None]
    low = [figure for figure in known if figure.difference < -BELOW]
    out = ["## Summary\n",
           f"{len(low)} of {len(known)} figures are more than {BELOW} points below the report" +
           (": " + ", ".join(figure.name for figure in low) if low else "") + "."]
    low_rows = [row for row in rows if row["difference"] is not None and row["difference"] < -BELOW]
    told = [row for row in rows if row["difference"] is not None]
    if told:
        out.append(f"{len(low_rows)} of {len(told)} bests of tables and searches are" +
                   (": " + ", ".join(f"{row['name']} ({row['what']})" for row in low_rows)
                    if low_rows else "") + ".")
    out.append("")
    for name in [figure.name for figure in low] + list(dict.fromkeys(row["name"] for row in low_rows)):
        out.append(f"- **{name}**: {notes.get(name, 'the cause was not looked for.')}")
    if low or low_rows:
        out.append("")
    if figures:
        out.append("Test accuracy in %, mean and standard deviation over the seeds, of the weights with "
                   "the best validation accuracy:\n")
        out.append(table(["figure", "what", "report", "ours", "difference"],
                         [[figure.name, figure.what, percent(figure.report),
                           mean_and_spread(figure.tests), points(figure.difference)]
                          for figure in figures], 2))
    if rows:
        out.append(table(["search", "what", "report", "ours", "difference"],
                         [[row["name"], row["what"], percent(row["report"]), row["ours"],
                           points(row["difference"])] for row in rows], 2))
    return "\n".join(out) + "\n"


def search_part(name, searches, pictures):
    first, out = searches[0], []
    total = sum(len(search.rows) for search in searches)
    done = sum(len(search.trials) for search in searches)
    seeds = ", ".join(str(search.seed) for search in searches)
    out.append(f"### {name}\n\n{first.settings.get('method', '')}, {done} of {total} trials complete, "
               f"seed{'s' * (len(searches) > 1)} {seeds}; "
               f"{first.settings.get('epochs', '')} epochs, " +
               ("full protocol" if first.full_protocol else
                f"{first.settings['train_size']} training and {first.settings['validation_size']} "
                "validation images") + f". Report: {first.settings.get('reference', '')}.\n")
    reference = first.reference()
    if first.full_protocol and reference:
        out.append(architecture_table(searches, reference))
    else:
        out += [leaderboard(search) + top_table(search) for search in searches]
    out.append(pictures(first.directory))
    return "\n".join(out)


def write(options, presets, jobs, times):
    of = {preset.name: [job for job in jobs if job.preset == preset.name] for preset in presets}
    figures = [Figure(preset, of[preset.name]) for preset in presets if not preset.search]
    groups = {preset.name: [Search(options, job) for job in of[preset.name]]
              for preset in presets if preset.search}
    searches = [search for group in groups.values() for search in group]
    pictures = Pictures(options)
    parts = ["# The report, reproduced\n", machine_part(jobs, times, figures, searches),
             summary(figures, best_rows(groups), read_notes())]
    if pictures.why:
        parts.append(pictures.why + "\n")
    if figures:
        parts.append("## Figures\n")
        parts += [figure.section(pictures(of[figure.name][0].directory)) for figure in figures]
    if groups:
        parts.append("## Tables and searches\n")
        parts += [search_part(name, group, pictures) for name, group in groups.items()]
    path = os.path.join(options.dir, "report.md")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write("\n".join(parts))
    os.replace(path + ".new", path)
    return path
