"""The words people read, in Chinese (default) and English; `bihuan.core.text` serves them."""
