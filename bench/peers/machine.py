"""What the figures were measured on."""

import os
import platform
from pathlib import Path

# What engines choose their kernels by.
INSTRUCTION_SETS = ("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile")


class Disturbance:
    """How much of the machine others took since this was made."""

    def __init__(self):
        self.start = self.seconds()

    @staticmethod
    def seconds():
        """(all, busy, stolen, ours), in seconds of one core so far; ours: this process and the workers that ended."""
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        user, nice, system, idle, wait, irq, softirq, stolen = (
            int(field) / os.sysconf("SC_CLK_TCK") for field in fields
        )
        busy = user + nice + system + irq + softirq
        return busy + idle + wait + stolen, busy, stolen, sum(os.times()[:4])

    def shares(self):
        everything, busy, stolen, ours = (end - begin for end, begin in zip(self.seconds(), self.start))
        return {"others": max(0.0, busy - ours) / everything, "stolen": stolen / everything}


def describe():
    lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    cpu = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = cpu.get("flags", "").split()
    name = cpu.get("model name", platform.processor())
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cpu": f"{name} (family {cpu.get('cpu family')}, model {cpu.get('model')})",
        "cores": os.cpu_count(),
        "instruction_sets": [name for name in INSTRUCTION_SETS if name in flags],
        "virtual": "hypervisor" in flags,
        "memory_gib": round(memory_kb / 2**20),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    }
