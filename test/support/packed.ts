import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { root, temporaryFolder } from './compile.js'
import { sharedFolder } from './run-folder.js'

/** The part of a package.json that these tests read. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly license?: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A package as its users get it. */
export interface PackedPackage {
  /** The folder under `packages/`. */
  readonly folder: string
  readonly manifest: Manifest
  /** Where the tarball was unpacked to. */
  readonly path: string
  /** Every file of the tarball. */
  readonly files: readonly string[]
}

/** A project outside of the repository that has the packages installed. */
export interface Installed {
  readonly path: string
  readonly packed: readonly PackedPackage[]
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** The folders under `packages/` that are published. */
export function publishedFolders(): string[] {
  const packages = join(root, 'packages')
  return readdirSync(packages).filter(
    (folder) => existsSync(join(packages, folder, 'package.json')) && !readManifest(join(packages, folder)).private,
  )
}

/** The names under which a package can be imported. */
export function entryPoints({ name, exports = {} }: Manifest): string[] {
  return Object.keys(exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => (subpath === '.' ? name : `${name}/${subpath.slice(2)}`))
}

/** Unpacks every published package where no source of ours is near; packed they are once in a run. */
async function packAll(store: string): Promise<PackedPackage[]> {
  const tarballs = await sharedFolder('tarballs', async (into) => {
    for (const folder of publishedFolders())
      renameSync(pnpmPack(join(root, 'packages', folder), into), join(into, folder))
  })
  return publishedFolders().map((folder) => {
    const manifest = readManifest(join(root, 'packages', folder))
    const path = join(storeOf(store, manifest.name), manifest.name)
    mkdirSync(path, { recursive: true })
    execFileSync('tar', ['-xzf', join(tarballs, folder), '-C', path, '--strip-components=1'])
    const files = readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    return { folder, manifest: readManifest(path), path, files: files.sort() }
  })
}

function pnpmPack(folder: string, destination: string): string {
  const isPnpm = process.env.npm_config_user_agent?.startsWith('pnpm') === true
  const [command = '', ...prefix] = isPnpm ? ['pnpm'] : ['npx', '-y', 'pnpm@12']
  const args = [...prefix, 'pack', '--json', '--pack-destination', destination]
  const printed = execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const { filename } = JSON.parse(printed) as { filename: string }
  return filename
}

/** A package's own surroundings: itself, and beside it nothing but what it declares. */
function storeOf(store: string, name: string): string {
  return join(store, name.replace('/', '+'), 'node_modules')
}

/**
 * Installs packed packages as pnpm would, without a network: each sees what it declares and
 * nothing else, and so does the project. Other people's packages come from the workspace.
 */
export async function install(direct: readonly string[]): Promise<Installed> {
  const path = temporaryFolder('consumer')
  const store = join(path, 'node_modules/.store')
  mkdirSync(store, { recursive: true })
  const packed = await packAll(store)
  const own = new Map(packed.map(({ manifest, path: at }) => [manifest.name, at]))
  for (const { folder, manifest } of packed) {
    const { dependencies, peerDependencies, peerDependenciesMeta } = manifest
    for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
      const target = own.get(name) ?? installed(join(root, 'packages', folder), name)
      if (target !== undefined) link(target, storeOf(store, manifest.name), name)
      else if (!peerDependenciesMeta?.[name]?.optional) throw new Error(`${name} is not installed for ${folder}.`)
    }
  }
  for (const name of direct) {
    const target = own.get(name) ?? installed(join(root, 'test'), name)
    if (target === undefined) throw new Error(`${name} is not installed for the tests.`)
    link(target, join(path, 'node_modules'), name)
  }
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module' }))
  return { path, packed }
}

/** Where the workspace has a package that is not ours: for one of ours, or for all. */
function installed(folder: string, name: string): string | undefined {
  const at = [folder, root].map((from) => join(from, 'node_modules', name)).find((candidate) => existsSync(candidate))
  return at === undefined ? undefined : realpathSync(at)
}

function link(target: string, modules: string, name: string): void {
  mkdirSync(dirname(join(modules, name)), { recursive: true })
  symlinkSync(target, join(modules, name), 'junction')
}
