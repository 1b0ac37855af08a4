// SPDX-License-Identifier: BSD-3-Clause
// H5Web as its authors publish it, on the h5grove routes beside it: ?file=ROOT&path=/FOLDER/DATASET
import '@h5web/app/styles.css';
import { App, H5GroveProvider } from '@h5web/app';
import { createRoot } from 'react-dom/client';

const query = new URLSearchParams(location.search);
const file = query.get('file') ?? '';
// Beneath whatever path a proxy has in front of both.
const server = new URL('../h5grove', location.href).href;
document.title = `${file} in H5Web`;
createRoot(document.getElementById('root')).render(
  <H5GroveProvider url={server} filepath={file}>
    <App initialPath={query.get('path') ?? '/'} />
  </H5GroveProvider>,
);
