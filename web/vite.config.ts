import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import { parse } from 'smol-toml'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The words of src/bihuan/texts/*.toml, the same that Python says. */
function words(): Plugin {
  return {
    name: 'bihuan-words',
    enforce: 'pre',
    load(id) {
      const [file] = id.split('?')
      if (!file.endsWith('.toml')) return null
      this.addWatchFile(file)
      return `export default ${JSON.stringify(parse(readFileSync(file, 'utf-8')))}`
    },
  }
}

/**
 * Packed beforehand, so that the server never packs on the fly. From the written files: while the bundle is made, Vite
 * still puts the list of preloads into its chunks, and a copy packed then would lack it.
 */
function packed(): Plugin {
  return {
    name: 'bihuan-packed',
    apply: 'build',
    writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle)) {
        if (!/\.(js|mjs|css|html|svg|json|webmanifest)$/.test(name)) continue
        const path = join(dir!, name)
        const source = readFileSync(path)
        if (source.length < 1024) continue
        writeFileSync(`${path}.br`, brotliCompressSync(source, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }))
        writeFileSync(`${path}.gz`, gzipSync(source, { level: 9 }))
      }
    },
  }
}

export default defineConfig({
  plugins: [words(), vue(), packed()],
  resolve: { alias: { '@': here('./src'), '@texts': here('../src/bihuan/texts') } },
  build: {
    outDir: here('../src/bihuan/app/api/dist'),
    emptyOutDir: true,
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' }, fs: { allow: [here('..')] } },
})
