"""视频: the address where a video is watched, with one still picture; the stream is never stored."""

from bihuan.devices.video.read import VideoAdapter

__all__ = ["VideoAdapter"]
