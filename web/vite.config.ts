import { createHash } from 'node:crypto'
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

/** Pages that open without network; the rest is kept once it was looked at. */
const OFFLINE = /src\/(main\.ts|pages\/(officer|cases|session)\/\w+Page\.vue)$|texts\/(zh|en)\.toml$|index\.html$/
const FIXED = ['/', '/icon.svg', '/manifest.webmanifest', '/icon-192.png', '/icon-512.png']

/** The service worker with the list of what it keeps: the shell, the officer's and the cases' pages, both languages. */
function worker(): Plugin {
  return {
    name: 'bihuan-worker',
    apply: 'build',
    generateBundle(_, bundle) {
      const wanted = new Set<string>()
      const take = (name: string): void => {
        const part = bundle[name]
        if (wanted.has(name) || part?.type !== 'chunk') return
        wanted.add(name)
        part.viteMetadata?.importedCss.forEach((css) => wanted.add(css))
        part.imports.forEach(take)
      }
      for (const part of Object.values(bundle)) {
        if (part.type === 'chunk' && (part.isEntry || OFFLINE.test((part.facadeModuleId ?? '').split('?')[0]))) take(part.fileName)
      }
      const files = [...FIXED, ...[...wanted].sort().map((name) => `/${name}`)]
      const version = createHash('sha256').update(files.join()).update(readFileSync(here('./index.html'))).digest('hex').slice(0, 12)
      const source = readFileSync(here('./sw.js'), 'utf-8').replace('__VERSION__', version).replace('__FILES__', JSON.stringify(files))
      this.emitFile({ type: 'asset', fileName: 'sw.js', source })
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
  plugins: [words(), vue(), worker(), packed()],
  resolve: { alias: { '@': here('./src'), '@texts': here('../src/bihuan/texts') } },
  build: {
    outDir: here('../src/bihuan/app/api/dist'),
    emptyOutDir: true,
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' }, fs: { allow: [here('..')] } },
})
