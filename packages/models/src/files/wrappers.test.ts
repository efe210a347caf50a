import { expect, it } from 'vitest';
import { isAveraged, wrappersIn } from './wrappers.js';

it.each([
  ['model.input_blocks.0.0.weight', ['model.']],
  [
    'state_dict.model.module._orig_mod.out.weight',
    ['state_dict.', 'state_dict.model.', 'state_dict.model.module.', 'state_dict.model.module._orig_mod.'],
  ],
  ['ema_0.9999.out.weight', ['ema_0.9999.']],
  ['input_blocks.0.0.weight', []],
  ['schema.out.weight', []],
  ['cinema.out.weight', []],
  // a latent diffusion model's denoiser is no network by itself
  ['model.diffusion_model.out.2.weight', ['model.']],
])('of %s: %j', (name, wrappers) => {
  expect([...wrappersIn([name])]).toEqual(wrappers);
});

it.each([
  ['ema.', true],
  ['model_ema.', true],
  ['ema_model.module.', true],
  ['state_dict_ema.', true],
  ['params_ema.', true],
  ['ema_0.9999.', true],
  ['ema.ema_model.', true],
  ['ema.online_model.', false],
  ['model.', false],
  ['state_dict.', false],
])('%s is averaged: %s', (wrapper, expected) => {
  expect(isAveraged(wrapper)).toBe(expected);
});

it('takes bounded time and memory for names that are wrappers without end', () => {
  expect(wrappersIn(['ema.'.repeat(250_000)]).size).toBe(32);
  expect(wrappersIn(['ema_'.repeat(250_000)]).size).toBe(0);
});
