"""织密: where monitors tell most, what a network is blind to, which one could be spared."""

from bihuan.tracing.network.choose import Chosen, choose, choose_exactly, spare
from bihuan.tracing.network.climate import Climate, climate
from bihuan.tracing.network.cover import Cover, cover
from bihuan.tracing.network.design import Monitor, NetworkDesign, Proposal, Shares, SourceSeen, design_network, shares
from bihuan.tracing.network.mesh import Mesh, mesh
from bihuan.tracing.network.noise import UsualNoise, measured_noise, usual_noise
from bihuan.tracing.network.settings import MonitorKind, NetworkSettings

__all__ = [
    "Chosen",
    "Climate",
    "Cover",
    "Mesh",
    "Monitor",
    "MonitorKind",
    "NetworkDesign",
    "NetworkSettings",
    "Proposal",
    "Shares",
    "SourceSeen",
    "UsualNoise",
    "choose",
    "choose_exactly",
    "climate",
    "cover",
    "design_network",
    "measured_noise",
    "mesh",
    "shares",
    "spare",
    "usual_noise",
]
