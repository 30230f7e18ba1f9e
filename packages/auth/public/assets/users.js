export const users = { name: 'users', load: async () => ({ status: 404, data: {} }) }
