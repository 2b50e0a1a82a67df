"""What a C library gave, given back to it when Python drops it."""


class Handle:
    def __init__(self, pointer, destroy, last_error):
        if not pointer:
            raise RuntimeError(last_error().decode())
        self._as_parameter_, self.destroy = pointer, destroy

    def __del__(self):
        if hasattr(self, "destroy"):
            self.destroy(self)
