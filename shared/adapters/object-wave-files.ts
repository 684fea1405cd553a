import type { ObjectStore } from '../ports/object-store.ts';
import type { WaveFiles } from '../ports/wave-files.ts';

/** Documents of waves as JSON objects of the workspace. */
export const objectWaveFiles = (objects: ObjectStore): WaveFiles => ({
  writeJson: (waveId, name, document, options = {}) =>
    objects.put(`waves/${waveId}/${name}`, new TextEncoder().encode(JSON.stringify(document)), {
      contentType: 'application/json',
      ifAbsent: options.ifAbsent === true,
    }),
  readJson: async (waveId, name) => {
    const bytes = await objects.get(`waves/${waveId}/${name}`);
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  },
});
