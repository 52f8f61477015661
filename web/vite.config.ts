import { readFileSync } from 'node:fs'
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

/** Packed beforehand, so that the server never packs on the fly. */
function packed(): Plugin {
  return {
    name: 'bihuan-packed',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      for (const [name, part] of Object.entries(bundle)) {
        if (!/\.(js|mjs|css|html|svg|json|webmanifest)$/.test(name)) continue
        const source = Buffer.from(part.type === 'chunk' ? part.code : part.source)
        if (source.length < 1024) continue
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }
        this.emitFile({ type: 'asset', fileName: `${name}.br`, source: brotliCompressSync(source, quality) })
        this.emitFile({ type: 'asset', fileName: `${name}.gz`, source: gzipSync(source, { level: 9 }) })
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
