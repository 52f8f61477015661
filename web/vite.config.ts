import { createHash } from 'node:crypto'
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
  plugins: [words(), vue(), worker(), packed()],
  resolve: { alias: { '@': here('./src'), '@texts': here('../src/bihuan/texts'), '@core': here('../src/bihuan/core') } },
  build: {
    outDir: here('../src/bihuan/app/api/dist'),
    emptyOutDir: true,
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' }, fs: { allow: [here('..')] } },
})
