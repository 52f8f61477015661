"""What came from elsewhere: fields and clusters of trajectories, shares of an episode, the order of arrival."""

from bihuan.tracing.transport.arrival import Arrival, arrival_order
from bihuan.tracing.transport.clusters import Clusters, Measure, cluster_paths
from bihuan.tracing.transport.fields import METHODS, Method, TransportField, transport_field
from bihuan.tracing.transport.shares import TransportShare, transport_share

__all__ = [
    "METHODS",
    "Arrival",
    "Clusters",
    "Measure",
    "Method",
    "TransportField",
    "TransportShare",
    "arrival_order",
    "cluster_paths",
    "transport_field",
    "transport_share",
]
