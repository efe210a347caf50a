"""Runs exported samplers as diffusers and ComfyUI do, with numpy in place of torch and of them what the files use.

Reads { label: { kind, folder, shape, z, ... } } as JSON on standard input; writes { label: { sample, told, ... } }.
"""

import functools
import importlib.util
import json
import math
import os
import sys
import types

import numpy as np


class Tensor(np.ndarray):
    device = "cpu"

    def to(self, dtype):
        return self.astype(dtype)

    def new_ones(self, shape):
        return tensor(np.ones(shape, self.dtype))


def tensor(values, dtype=None, device=None):
    return np.array(values, dtype).view(Tensor)


class SchedulerMixin:
    pass


class ConfigMixin:
    @classmethod
    def from_pretrained(cls, folder, **told):
        with open(os.path.join(folder, "scheduler_config.json")) as file:
            config = json.load(file)
        return cls(**{**{key: value for key, value in config.items() if not key.startswith("_")}, **told})


def register_to_config(init):
    @functools.wraps(init)
    def wrapped(self, **told):
        names = init.__code__.co_varnames[1 : init.__code__.co_argcount]
        defaults = dict(zip(reversed(names), reversed(init.__defaults__)))
        self.config = types.SimpleNamespace(**{**defaults, **told})
        init(self, **told)

    return wrapped


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made


module(
    "torch",
    float32=np.float32,
    tensor=tensor,
    promote_types=np.promote_types,
    linspace=lambda first, last, count: tensor(np.linspace(first, last, count, dtype=np.float32)),
)
module("diffusers")
module("diffusers.configuration_utils", ConfigMixin=ConfigMixin, register_to_config=register_to_config)
module("diffusers.schedulers")
module("diffusers.schedulers.scheduling_utils", SchedulerMixin=SchedulerMixin, SchedulerOutput=types.SimpleNamespace)
module("comfy")
module("comfy.samplers", KSAMPLER=lambda function: types.SimpleNamespace(sampler_function=function))


def opened(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def denoised(x, sigma):
    v = 0.01 + sigma * sigma
    return (0.01 * x + sigma * sigma * 0.3 * np.tanh(0.3 * x / v)) / v


def refusals(*calls):
    found = []
    for call in calls:
        try:
            call()
            found.append("nothing")
        except Exception as error:
            found.append(type(error).__name__)
    return found


def diffusers(z, folder, prediction_type=None, **_):
    """The loop of a pipeline."""
    told = {} if prediction_type is None else {"prediction_type": prediction_type}
    scheduler = opened(os.path.join(folder, "scheduler.py")).SamplerTableScheduler.from_pretrained(folder, **told)
    steps = len(scheduler.config.sigmas)
    for _ in range(2):  # a pipeline is called more than once
        scheduler.set_timesteps(steps, device=None)
        latents = z * scheduler.init_noise_sigma
        for k, t in enumerate(scheduler.timesteps):
            sigma = scheduler.config.sigmas[k]
            # classifier-free guidance doubles the batch
            shown = scheduler.scale_model_input(np.concatenate([latents] * 2).view(Tensor), t)[: len(z)]
            root = math.sqrt(1 + sigma**2)
            x = shown * root if scheduler.config.scale_input else shown
            d = denoised(x, sigma)
            kinds = {"epsilon": (x - d) / sigma, "v_prediction": (x / root**2 - d) * root / sigma, "sample": d}
            output = kinds[scheduler.config.prediction_type]
            latents = scheduler.step(output, t, latents, return_dict=False)[0]
    refused = refusals(
        lambda: scheduler.set_timesteps(steps + 1),
        lambda: scheduler.step(output, t, latents),
    )
    return {"sample": latents, "told": scheduler.timesteps, "refused": refused}


def comfyui(z, folder, file, sigma_max, **_):
    """What KSAMPLER does around a sampler's function."""
    node = opened(os.path.join(folder, file))
    (made,) = node.NODE_CLASS_MAPPINGS.values()
    sampler, sigmas = made().sampler()
    is_max = math.isclose(sigma_max, sigmas[0], rel_tol=1e-5) or sigmas[0] > sigma_max
    told, seen = [], []

    def model(x, sigma, seed, model_options):
        assert sigma.shape == (len(z),) and (sigma == sigma[0]).all()
        told.append(sigma[0])
        return denoised(x, sigma[:, None, None, None])

    extra = {"seed": 1, "model_options": {}}
    x = z * (math.sqrt(1 + sigmas[0] ** 2) if is_max else float(sigmas[0]))
    sample = sampler.sampler_function(model, x, sigmas, extra_args=extra, callback=seen.append, disable=True)
    assert [one["i"] for one in seen] == list(range(len(sigmas) - 1))
    others = tensor([sigma_max, *sigmas[1:]])
    refused = refusals(lambda: sampler.sampler_function(model, x, others, extra_args=extra))
    return {"sample": sample, "told": told, "source": node.SOURCE, "refused": refused}


def plain(value):
    return [float(one) for one in np.ravel(value)]


answers = {}
for label, run in json.load(sys.stdin).items():
    z = tensor(run.pop("z"), np.float64).reshape(run.pop("shape"))
    found = {"diffusers": diffusers, "comfyui": comfyui}[run.pop("kind")](z, **run)
    answers[label] = {**found, "sample": plain(found["sample"]), "told": plain(found["told"])}
json.dump(answers, sys.stdout)
