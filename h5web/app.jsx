// SPDX-License-Identifier: BSD-3-Clause
// H5Web as its authors publish it, on the /h5grove routes of this server: ?file=ROOT&path=/FOLDER/DATASET
import '@h5web/app/styles.css';
import { App, H5GroveProvider } from '@h5web/app';
import { createRoot } from 'react-dom/client';

const query = new URLSearchParams(location.search);
const file = query.get('file') ?? '';
document.title = `${file} in H5Web`;
createRoot(document.getElementById('root')).render(
  <H5GroveProvider url={`${location.origin}/h5grove`} filepath={file}>
    <App initialPath={query.get('path') ?? '/'} />
  </H5GroveProvider>,
);
