"""``neurosim learn``: learn on the chip, and say what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.costs import JsonFlag, print_json, progress_bar


def learn(
    rule: Annotated[str, typer.Argument(help="bptt-dense, bptt-held, bptt, mpd-ed, std-ed or stdbp.")],
    workload: Annotated[str, typer.Option(help="digits (shipped), or mnist-mlp (needs the extra 'data').")] = "digits",
    chip: Annotated[str, typer.Option(help="A shipped learning engine or a file of one.")] = "edge-28nm-learn",
    epochs: Annotated[int | None, typer.Option(help="Passes over the training part (default: the rule's).")] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate (default: the rule's).")] = None,
    timesteps: Annotated[int, typer.Option(help="Resolution of rules that work on timesteps.")] = 16,
    batch: Annotated[int, typer.Option(help="Samples that share one update.")] = 1,
    skip_below: Annotated[float, typer.Option(help="Pass over samples with no class wrong by more.")] = 0.05,
    weight_bits: Annotated[
        int | None, typer.Option(help="Width of stored weights (default: the engine's); 0 for float32.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of first weights, order and rounding.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Save what was learned as a workload folder, which `neurosim run` runs.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="Also draw accuracy and energy into this folder (PNG).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Learn from random weights on a chip's memories: accuracy, energy a sample, memory and cycles, from what ran."""
    from neurosim.learning.data import load_data
    from neurosim.learning.engine import list_learners, load_learner
    from neurosim.learning.network_out import save_learned
    from neurosim.learning.rules import find_rule
    from neurosim.learning.run import Settings
    from neurosim.learning.run import learn as run_rule
    from neurosim.learning.summary import summarise

    chosen, own = find_rule(rule), load_learner(chip)
    own.check_rule(chosen.name)
    bits = own.weight_bits if weight_bits is None else weight_bits or None
    settings = Settings(
        chosen.epochs if epochs is None else epochs, chosen.rate if rate is None else rate, timesteps=timesteps,
        batch=batch, skip_below=skip_below, weight_bits=bits, word_bits=own.word_bits, seed=seed,
        encoder=chosen.encoder, most_inputs=own.limits.inputs, most_hidden=own.limits.hidden,
    )  # fmt: skip
    data = load_data(workload)
    with progress_bar(not as_json) as progress:

        def shown(epoch: int, of: int, train: float, test: float) -> None:
            if progress is not None:
                progress("epochs", epoch, of)

        run = run_rule(chosen, data, settings, progress=shown)
    others = [load_learner(name) for name in list_learners() if name != own.name]
    found = summarise(run, [own, *others])
    if out is not None:
        card = {key: found[key] for key in ("rule", "source", "stand_in", "settings", "test_accuracy")}
        found["saved"] = str(save_learned(run, data, out, card))
    if plots is not None:
        from neurosim.report.figure_learn import learn_figure

        plots.mkdir(parents=True, exist_ok=True)
        found["plots"] = [str(learn_figure(found, plots / f"learn_{rule}_{workload}_{own.name}.png"))]
    if as_json:
        print_json(found)
        return
    from neurosim.report.text import console
    from neurosim.report.text_learn import learn_text

    console().print(learn_text(found))
    for path in found.get("plots", []):
        typer.echo(f"drawn  {path}")
    if out is not None:
        typer.echo(f"saved  {out}\nrun it with:  neurosim run {out} --chip edge-28nm")
