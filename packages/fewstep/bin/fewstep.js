#!/usr/bin/env node
import '@fewstep/runner/bin';
