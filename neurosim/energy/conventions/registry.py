"""Every convention by name. Adding one is writing its function and its line here."""

from __future__ import annotations

from functools import partial

from neurosim.energy.conventions import counts, lemaire, lemaire_interpolated, proxy
from neurosim.energy.conventions.activity import NetworkActivity, NotGiven
from neurosim.energy.conventions.claim import Claim, Convention
from neurosim.energy.conventions.syna import syna
from neurosim.errors import NeurosimError

_PROXY = "arXiv 2403.18228 (appendix) and its many users; 45 nm constants of Horowitz 2014"
_COUNTED = "as SpikingJelly 2.0.0's simple energy counts MAC and AC, neurons left out"
_HOROWITZ = "Horowitz 2014, 45 nm, 0.9 V"
_LEMAIRE = "Lemaire et al. 2022, as its reference implementation counts; input memory taken to hold one value a neuron"
_SHEN = "Shen et al. 2024, read in a literature note"

_ALL = (
    Convention("ann-fp32", "the same topology as an ANN, float32", proxy.ann, _PROXY),
    Convention("ann-int8", "the same topology as an ANN, int8", partial(proxy.ann, prices=proxy.INT8), _HOROWITZ),
    Convention("proxy-first-once", "standard proxy, first layer MAC once", proxy.proxy, _PROXY),
    Convention(
        "proxy-first-every-step", "standard proxy, first layer MAC T times", partial(proxy.proxy, first="every_step"),
        _PROXY,
    ),
    Convention("proxy-first-spikes", "standard proxy, first layer AC", partial(proxy.proxy, first="spikes"), _PROXY),
    Convention("proxy-counted", "the proxy's prices on operations counted one by one", proxy.counted, _COUNTED),
    Convention("proxy-int8", "standard proxy, int8", partial(proxy.proxy, prices=proxy.INT8), _HOROWITZ),
    Convention(
        "proxy-int8-sum32", "standard proxy, int8 into 32-bit sums", partial(proxy.proxy, prices=proxy.INT8_SUM32),
        _HOROWITZ,
    ),
    Convention("proxy-int32", "standard proxy, int32", partial(proxy.proxy, prices=proxy.INT32), _HOROWITZ),
    Convention("syops", "syops counter (Spikingformer), attention min rule", proxy.syops, "its code and logs"),
    Convention("sdt", "Spike-driven Transformer family", proxy.sdt, "a third-party note; its attention rule not used"),
    Convention("sdtrack", "SDTrack, T x D steps", proxy.sdtrack, "its code; attention from sums not held here"),
    Convention("syna-script", "SynA's script", syna, "its code and printouts"),
    Convention("lemaire-int32", "Lemaire et al. with memory, int32", lemaire.lemaire, _LEMAIRE),
    Convention(
        "lemaire-int8", "Lemaire et al. with memory, int8", partial(lemaire.lemaire, width=lemaire.INT8), _LEMAIRE
    ),
    Convention(
        "lemaire-interpolated", "Lemaire et al. as SpikingJelly reads them", lemaire_interpolated.lemaire_interpolated,
        "SpikingJelly 2.0.0, estimate_lemaire_energy; event-driven layers",
    ),
    Convention(
        "yan-compute", "Yan et al. v4, computation only", counts.yan_compute,
        "Yan et al. 2024 v4, constants read in notes; data movement and fair twin not covered",
    ),
    Convention("keras-spiking", "keras-spiking, its Loihi entry", counts.keras_spiking, "its code"),
    Convention("bit-budget", "Bit Budget", counts.bit_budget, _SHEN, "T b_w b_s", adds_up=False),
    Convention("s-ace", "S-ACE", counts.s_ace, _SHEN, "bit operations"),
    Convention("ns-ace", "NS-ACE", counts.ns_ace, _SHEN, "bit operations"),
    Convention("sata-units", "SATA, forward, without memory", counts.sata, "SATA_Sim's code", "16-bit MACs"),
    Convention(
        "neurobench", "NeuroBench synaptic operations", counts.neurobench, "its harness, definitions as read",
        "operations", adds_up=False,
    ),
)  # fmt: skip

CONVENTIONS: dict[str, Convention] = {convention.name: convention for convention in _ALL}


def claim(name: str, activity: NetworkActivity) -> Claim:
    """One convention on an activity. Raises NeurosimError for an unknown name; says why where it cannot be given."""
    if name not in CONVENTIONS:
        raise NeurosimError(f"convention: got {name!r}, expected one of {', '.join(CONVENTIONS)}")
    convention = CONVENTIONS[name]
    try:
        return Claim(convention, tuple(convention.rule(activity)))
    except NotGiven as error:
        return Claim(convention, reason=str(error))


def claims(activity: NetworkActivity) -> list[Claim]:
    """Every convention, those that cannot be given with their reason."""
    return [claim(name, activity) for name in CONVENTIONS]
